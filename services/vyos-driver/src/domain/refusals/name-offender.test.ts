import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interpretConfigureAnswer } from '../answers/interpret-answer.ts';
import type { DestinationNatRule, StaticMapping } from '../changes/fragment.ts';
import type { OwnedContent } from '../changes/plan.ts';
import { type ConfigTree, keyOfPath } from '../config-tree.ts';
import { dialect15 } from '../dialects/dialect-1-5.ts';
import { clashesWith, conflictOn, resourcesNamed } from './name-offender.ts';

const aMapping = (mapping: Partial<StaticMapping>): StaticMapping => ({
  network: 'LAN',
  subnet: '10.10.0.0/16',
  name: 'vm',
  macAddress: '52:54:00:00:00:01',
  ipAddress: '10.10.1.1',
  ...mapping,
});

const aRule = (rule: Partial<DestinationNatRule>): DestinationNatRule => ({
  number: 10_000,
  inboundInterface: 'eth0',
  protocol: 'tcp',
  destinationAddress: '192.0.2.1',
  destinationPort: '32000',
  translationAddress: '10.10.1.1',
  translationPort: '22',
  sourceAddress: '',
  description: 'ssh',
  disabled: false,
  ...rule,
});

const content = (mapping: Partial<StaticMapping>, ...rules: Partial<DestinationNatRule>[]): OwnedContent =>
  dialect15.contentOf({ mapping: aMapping(mapping), rules: rules.map(aRule) });

const batch: ReadonlyMap<string, OwnedContent> = new Map([
  ['a', content({ name: 'vm-a', macAddress: '52:54:00:00:00:0a', ipAddress: '10.10.1.10' }, { number: 60 })],
  [
    'b',
    content(
      { name: 'vm-b', macAddress: '52:54:00:00:00:0b', ipAddress: '10.10.1.11' },
      { number: 61, destinationPort: '32001' },
    ),
  ],
]);

const refusal = (error: string) =>
  interpretConfigureAnswer({
    kind: 'response',
    status: 400,
    body: JSON.stringify({ success: false, error, data: null }),
  });

const named = (error: string, contents = batch) => resourcesNamed(refusal(error), contents);

test('a refused commit names the resource that has the rule or the mapping', () => {
  assert.deepEqual(
    named(
      '[ nat ]\n\nWARNING: Interface "eth9" for destination NAT rule "61" does not\nexist!\n\nDestination NAT configuration error in rule 60: translation requires\naddress and/or port\n[[nat]] failed\nCommit failed\n',
    ),
    { resourceIds: ['a'], namesStranger: false },
  );
  assert.deepEqual(
    named(
      '[ service dhcp-server ]\nConfigured static lease address for mapping "vm-b" is not within shared-\nnetwork "LAN, 10.10.0.0/16"!\n[[service dhcp-server]] failed\nCommit failed\n',
    ),
    { resourceIds: ['b'], namesStranger: false },
  );
});

test('a rule or mapping that nobody in the batch has is a stranger', () => {
  for (const text of [
    '[ nat ]\nDestination NAT configuration error in rule 5: translation requires\naddress and/or port\n[[nat]] failed\nCommit failed\n',
    '[ nat ]\nInvalid address-group "WEB" on nat rule\n[[nat]] failed\nCommit failed\n',
    '[ service dhcp-server ]\nConfigured static lease address for mapping "printer" is not within\nshared-network "LAN, 10.10.0.0/16"!\n[[service dhcp-server]] failed\nCommit failed\n',
  ]) {
    assert.deepEqual(named(text), { resourceIds: [], namesStranger: true }, text);
  }
});

test('a subnet that is not configured names everybody who wanted into it', () => {
  const text =
    '[ service dhcp-server ]\nUnique subnet ID not specified for subnet "10.99.0.0/24"\n[[service dhcp-server]] failed\nCommit failed\n';
  const contents = new Map([...batch, ['c', content({ subnet: '10.99.0.0/24', ipAddress: '10.99.0.5' })]]);
  assert.deepEqual(named(text, contents), { resourceIds: ['c'], namesStranger: false });
  assert.deepEqual(named(text), { resourceIds: [], namesStranger: true });
});

const aPair =
  '[ service dhcp-server ]\nConfigured MAC address for static mapping "printer" already exists on\nanother static mapping\n[[service dhcp-server]] failed\nCommit failed\n';

const router = (mapping: { mac: string; ip: string }): { config: ConfigTree; ownedKeys: ReadonlySet<string> } => ({
  config: {
    nat: {
      destination: {
        rule: {
          5: {
            destination: { port: '2222' },
            'inbound-interface': { name: 'eth0' },
            protocol: 'tcp',
            translation: { address: '10.10.0.5', port: '22' },
          },
        },
      },
    },
    service: {
      'dhcp-server': {
        'shared-network-name': {
          LAN: {
            subnet: {
              '10.10.0.0/16': { 'static-mapping': { printer: { mac: mapping.mac, 'ip-address': mapping.ip } } },
            },
          },
        },
      },
    },
  },
  ownedKeys: new Set(),
});

test('when the router names the other of a pair, the one in the batch that clashes with it is to blame', () => {
  const at = router({ mac: '52:54:00:00:00:0B', ip: '10.10.0.9' });
  assert.deepEqual(resourcesNamed(refusal(aPair), batch, at), { resourceIds: ['b'], namesStranger: false });
});

test('the other of a pair is no stranger as long as nobody looked at the router', () => {
  assert.deepEqual(named(aPair), { resourceIds: [], namesStranger: false });
});

test('a refused path names whose it is, also when a value in it has blanks', () => {
  assert.deepEqual(
    named('Configuration path: [nat destination rule 61 bogus a b] is not valid\n\nSet failed\n').resourceIds,
    ['b'],
  );
  assert.deepEqual(named('Configuration path: [nat destination rule 6 bogus] is not valid\n\nSet failed\n'), {
    resourceIds: [],
    namesStranger: false,
  });
  assert.deepEqual(named('Cannot delete [nat destination rule 60]: path/value does not exist').resourceIds, ['a']);
});

test('a refused value names its resource only when no other has the same value', () => {
  const text = (value: string) =>
    `Error: ${value} is not a valid port\n\n\n\nInvalid value\nValue validation failed\nSet failed\n`;
  assert.deepEqual(named(text('32001')).resourceIds, ['b']);
  assert.deepEqual(named(text('22')).resourceIds, []);
  assert.deepEqual(named(text('99999')).resourceIds, []);
});

test('a text that names nothing is traced to the content that it can only be about', () => {
  const bad = (id: string, asked: OwnedContent) => new Map([...batch, [id, asked]]);
  const cases: readonly (readonly [string, OwnedContent])[] = [
    ['\n\n\n\nInvalid static mapping hostname\nValue validation failed\nSet failed\n', content({ name: '-vm-1' })],
    ['\n\n\n\nInvalid value\nValue validation failed\nSet failed\n', content({ macAddress: '52:54:00' })],
    [
      '\n\nDescription too long (limit 255 characters)\nValue validation failed\nSet failed\n',
      content({}, { description: 'x'.repeat(256) }),
    ],
    [
      "Cannot use the single quote (') character in a value string\nValue validation failed\nSet failed\n",
      content({}, { description: "it's" }),
    ],
    [
      'Number is not in any of allowed ranges\n\n\n\nNAT rule number must be between 1 and 999999\nValue validation failed\nSet failed\n',
      content({}, { number: 1_000_000 }),
    ],
  ];
  for (const [text, asked] of cases) {
    assert.deepEqual(named(text, bad('bad', asked)), { resourceIds: ['bad'], namesStranger: false }, text);
    assert.deepEqual(named(text), { resourceIds: [], namesStranger: false }, text);
  }
});

test('other outcomes name nobody', () => {
  assert.deepEqual(resourcesNamed({ kind: 'applied', warnings: '' }, batch), { resourceIds: [], namesStranger: false });
  assert.deepEqual(resourcesNamed({ kind: 'unclear', text: '' }, batch), { resourceIds: [], namesStranger: false });
});

test('names and MAC addresses clash in any case, addresses and MAC addresses in the same subnet only', () => {
  const { config } = router({ mac: '52:54:00:FF:00:09', ip: '10.10.0.9' });
  const clash = (asked: OwnedContent) => clashesWith(config, new Set(), asked)?.text;
  assert.match(clash(content({ name: 'PRINTER' })) ?? '', /name PRINTER is taken/);
  assert.match(
    clash(content({ macAddress: '52:54:00:ff:00:09' })) ?? '',
    /MAC address 52:54:00:ff:00:09 is taken .* printer/,
  );
  assert.match(clash(content({ ipAddress: '10.10.0.9' })) ?? '', /address 10.10.0.9 is taken/);
  assert.equal(clash(content({ macAddress: '52:54:00:ff:00:09', subnet: '10.20.0.0/16' })), undefined);
  assert.equal(clash(content({})), undefined);
});

test('an external port clashes on the same interface, address and protocol', () => {
  const { config } = router({ mac: '', ip: '' });
  const clash = (rule: Partial<DestinationNatRule>) => clashesWith(config, new Set(), content({}, rule))?.text;
  assert.match(clash({ destinationPort: '2222' }) ?? '', /port 2222 is taken on the router by destination rule 5/);
  assert.match(clash({ destinationPort: '2000-3000', protocol: 'tcp_udp' }) ?? '', /port 2000-3000 is taken/);
  assert.equal(clash({ destinationPort: '2222', protocol: 'udp' }), undefined);
  assert.equal(clash({ destinationPort: '2222', inboundInterface: 'eth1' }), undefined);
  assert.equal(clash({ destinationPort: '2223' }), undefined);
  assert.match(clash({ number: 5 }) ?? '', /destination rule 5 exists/);
});

test('what is ours does not clash', () => {
  const { config } = router({ mac: '52:54:00:00:00:01', ip: '10.10.1.1' });
  const subnet = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];
  const ours = new Set([
    keyOfPath([...subnet, 'static-mapping', 'printer']),
    keyOfPath(['nat', 'destination', 'rule', '5']),
  ]);
  assert.equal(
    clashesWith(config, ours, content({ name: 'printer' }, { number: 5, destinationPort: '2222' })),
    undefined,
  );
});

test('a clash says which value it is about, and where others hold it', () => {
  const { config } = router({ mac: '52:54:00:FF:00:09', ip: '10.10.0.9' });
  const conflict = (asked: OwnedContent) => clashesWith(config, new Set(), asked)?.conflict;
  const printer = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping printer';
  const none = { value: '', firstNumber: 0, lastNumber: 0 };
  assert.deepEqual(conflict(content({ name: 'PRINTER' })), {
    ...none,
    kind: 'mapping_name',
    value: 'PRINTER',
    path: printer,
  });
  assert.deepEqual(conflict(content({ macAddress: '52:54:00:ff:00:09' })), {
    ...none,
    kind: 'mac',
    value: '52:54:00:ff:00:09',
    path: printer,
  });
  assert.deepEqual(conflict(content({ ipAddress: '10.10.0.9' })), {
    ...none,
    kind: 'address',
    value: '10.10.0.9',
    path: printer,
  });
  const rule = { ...none, path: 'nat destination rule 5' };
  assert.deepEqual(conflict(content({}, { number: 5 })), {
    ...rule,
    kind: 'rule_number',
    firstNumber: 5,
    lastNumber: 5,
  });
  assert.deepEqual(conflict(content({}, { destinationPort: '2000-3000' })), {
    ...rule,
    kind: 'port',
    firstNumber: 2_000,
    lastNumber: 3_000,
  });
});

test('the conflict about a path of another VM is about its number or name', () => {
  const [mapping, rule] = [...content({ name: 'vm-a' }, { number: 60 }).keys()].map(conflictOn);
  assert.deepEqual([mapping?.kind, mapping?.value], ['mapping_name', 'vm-a']);
  assert.deepEqual([rule?.kind, rule?.firstNumber, rule?.lastNumber], ['rule_number', 60, 60]);
});

test('rules of one resource that share external ports for several sources do not clash with each other', () => {
  const { config } = router({ mac: '', ip: '' });
  const shared = { destinationPort: '30000-30009', translationPort: '30000-30009', protocol: 'tcp_udp' as const };
  const sources = [
    { ...shared, number: 60, sourceAddress: '203.0.113.0/24' },
    { ...shared, number: 61, sourceAddress: '198.51.100.7' },
  ];
  assert.equal(clashesWith(config, new Set(), content({}, ...sources)), undefined);
  const text = 'Destination NAT configuration error in rule 61: translation requires\naddress and/or port';
  const batch = new Map([
    ['a', content({}, ...sources)],
    ['b', content({ name: 'vm-b' }, { number: 70 })],
  ]);
  const error = `[ nat ]\n\n${text}\n[[nat]] failed\nCommit failed\n`;
  assert.deepEqual(named(error, batch), { resourceIds: ['a'], namesStranger: false });
});
