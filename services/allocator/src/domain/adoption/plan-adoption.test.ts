import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FoundMapping, FoundRule } from './adoption.ts';
import { planAdoption } from './plan-adoption.ts';

const mapping = (given: Partial<FoundMapping> = {}): FoundMapping => ({
  ...{ network: 'LAN', subnet: '10.0.0.0/16', name: 'web', macAddress: '52:54:00:00:00:01', ipAddress: '10.0.0.9' },
  ...{ disabled: false, extra: [] },
  ...given,
});
const rule = (given: Partial<FoundRule> = {}): FoundRule => ({
  ...{ number: 10, inboundInterface: '', protocol: 'tcp', destinationAddress: '', destinationPort: '8080' },
  ...{ translationAddress: '10.0.0.9', translationPort: '80', sourceAddress: '', description: '' },
  ...{ disabled: false, extra: [] },
  ...given,
});
const plan = (mappings: readonly FoundMapping[], rules: readonly FoundRule[], names = new Map<string, string>()) =>
  planAdoption({ mappings, rules }, names);

test('a mapping is a VM, and the rules that lead to its address are its forwards, word for word', () => {
  const extra = [{ path: ['log'], values: [] }];
  const [web] = plan(
    [mapping({ macAddress: '52:54:00:AB:00:01' })],
    [
      rule({ number: 20, translationPort: '', extra, disabled: true }),
      rule({ destinationPort: '2222', translationPort: '22' }),
    ],
  ).mappings;
  assert.deepEqual([web?.vmName, web?.macAddress, web?.reason], ['web', '52:54:00:ab:00:01', '']);
  const [ssh, kept] = web?.rules.map(({ forward }) => forward) ?? [];
  assert.deepEqual([ssh?.name, ssh?.state, ssh?.external?.first, ssh?.internal.first], ['ssh', 'enabled', 2222, 22]);
  assert.deepEqual([kept?.name, kept?.state, kept?.ownRules], ['p8080', 'disabled', { first: 20, last: 20 }]);
  assert.deepEqual(kept?.form, { inboundInterface: '', destinationAddress: '', keepsPort: true, extra });
});

test('forwards are named by their descriptions, else by their ports, and never alike', () => {
  const [web] = plan(
    [mapping()],
    [
      rule({ number: 1, destinationPort: '1', description: 'HTTP' }),
      rule({ number: 2, destinationPort: '2' }),
      rule({ number: 3, destinationPort: '3' }),
      rule({ number: 4, destinationPort: '4' }),
      rule({ number: 5, destinationPort: '5', description: 'two words', translationPort: '443' }),
      rule({ number: 6, destinationPort: '6', description: 'status', translationPort: '25' }),
    ],
  ).mappings;
  const names = web?.rules.map(({ forward }) => forward?.name);
  assert.deepEqual(names, ['http', 'p80', 'p80-tcp', 'p80-rule-4', 'https', 'p25']);
});

const impossibleRules: readonly (readonly [what: string, given: Partial<FoundRule>, reason: RegExp])[] = [
  ['a port list', { destinationPort: '80,443' }, /port list 80,443: split it/],
  ['no port', { destinationPort: '' }, /no destination port/],
  ['all other ports', { destinationPort: '!80' }, /all others/],
  ['a service name', { destinationPort: 'https' }, /write it as a number/],
  ['a protocol without ports', { protocol: 'all' }, /protocol all/],
  [
    'a range moved to another one',
    { destinationPort: '1-3', translationPort: '4-6' },
    /only where it leads to the same ports/,
  ],
  ['a port spread over several', { destinationPort: '1', translationPort: '1-3' }, /only where it leads/],
  [
    'an address group',
    { extra: [{ path: ['destination', 'group', 'address-group'], values: ['x'] }] },
    /destination group/,
  ],
  ['an exclusion', { extra: [{ path: ['exclude'], values: [] }] }, /"exclude", which a forward/],
  ['a destination network', { destinationAddress: '192.0.2.0/24' }, /not a single one/],
  ['a negated source', { sourceAddress: '!203.0.113.1' }, /neither an address nor a network/],
  ['a quote in its description', { description: "it's" }, /quotes/],
  ['another target', { translationAddress: '10.0.0.77' }, /no static mapping's address/],
  ['no target', { translationAddress: '' }, /translates to no address/],
];
for (const [what, given, reason] of impossibleRules) {
  test(`a rule with ${what} is not adopted, and says why`, () => {
    const { mappings, rules } = plan([mapping()], [rule(given)]);
    const [planned] = [...(mappings[0]?.rules ?? []), ...rules];
    assert.equal(planned?.forward, undefined);
    assert.match(planned?.reason ?? '', reason);
    assert.equal(mappings[0]?.reason, '');
  });
}

const impossibleMappings: readonly (readonly [what: string, given: Partial<FoundMapping>, reason: RegExp])[] = [
  ['no MAC address', { macAddress: '' }, /no MAC address/],
  ['a MAC address with dashes', { macAddress: '52-54-00-00-00-01' }, /MAC address 52-54/],
  ['no address', { ipAddress: '' }, /no IPv4 address/],
  ['a name that is no host name', { name: 'the_web' }, /host name/],
  ['an identifier that Berth cannot say', { extra: [{ path: ['duid'], values: ['00:01'] }] }, /duid/],
];
for (const [what, given, reason] of impossibleMappings) {
  test(`a mapping with ${what} is not adopted, nor are its rules`, () => {
    const found = mapping(given);
    const [planned] = plan([found], [rule({ translationAddress: found.ipAddress || '10.0.0.9' })]).mappings;
    assert.match(planned?.reason ?? '', reason);
    assert.ok(planned?.rules.every(({ forward }) => forward === undefined));
  });
}

test('rules that share external ports are all left to others, as they are when only one of them could be adopted', () => {
  const { mappings, rules } = plan(
    [mapping()],
    [
      rule({ number: 1, destinationPort: '80-90' }),
      rule({ number: 2, destinationPort: '85', protocol: 'tcp_udp', destinationAddress: '192.0.2.1' }),
      rule({ number: 3, destinationPort: '85', protocol: 'udp', translationAddress: '10.0.0.77' }),
      rule({ number: 4, destinationPort: '85', destinationAddress: '192.0.2.2', protocol: 'udp' }),
    ],
  );
  const reasons = mappings[0]?.rules.map(({ reason }) => reason) ?? [];
  assert.match(reasons[0] ?? '', /in common with rule 2/);
  assert.match(reasons[1] ?? '', /in common with rule [13]/);
  assert.match(reasons[2] ?? '', /in common with rule 3/);
  assert.match(rules[0]?.reason ?? '', /no static mapping/);
});

test('rules on two external addresses are no forwards of one VM', () => {
  const [web] = plan(
    [mapping()],
    [
      rule({ number: 1, destinationAddress: '192.0.2.1' }),
      rule({ number: 2, destinationPort: '81', destinationAddress: '192.0.2.2' }),
      rule({ number: 3, destinationPort: '82' }),
    ],
  ).mappings;
  assert.deepEqual(
    web?.rules.map(({ forward }) => forward !== undefined),
    [true, false, true],
  );
});

test('mappings that cannot be told apart are all left to others', () => {
  const twin = mapping({ name: 'WEB', subnet: '10.1.0.0/16', ipAddress: '10.1.0.9' });
  const sameMac = mapping({ name: 'b', ipAddress: '10.0.0.8' });
  const other = mapping({ name: 'c', ipAddress: '10.1.0.7', subnet: '10.1.0.0/16', macAddress: '52:54:00:00:00:07' });
  const { mappings } = plan([mapping(), twin, sameMac, other], []);
  assert.deepEqual(
    mappings.map(({ reason }) => reason !== ''),
    [true, true, false, true],
  );
});
