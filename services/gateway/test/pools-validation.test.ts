import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Answer, startTestGateway } from './support/gateway-under-test.ts';
import { playPools } from './support/played-pools.ts';

const fieldsOf = (answer: Answer): string[] => answer.body.errors.map((error: { field: string }) => error.field);

test('what a new pool may ask', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const create = (kind: string, body: unknown) => gateway.call('POST', `/v1/pools/${kind}`, { body });
  const many = (length: number) => Array.from({ length }, (_, i) => 2_000 + 2 * i);
  const bases: Record<string, object> = {
    'ip-pools': { name: 'edge', cidr: '10.10.2.0/24' },
    'port-pools': { name: 'edge', ranges: ['33000-33999'] },
    'rule-pools': { name: 'edge', ranges: ['20000-29999'] },
  };
  const refused: [what: string, kind: string, change: Record<string, unknown>, ...fields: string[]][] = [
    ['no name', 'ip-pools', { name: undefined }, 'name'],
    ['an empty name', 'ip-pools', { name: '' }, 'name'],
    ['a long name', 'ip-pools', { name: 'x'.repeat(64) }, 'name'],
    ['a name beyond ASCII', 'ip-pools', { name: 'büro' }, 'name'],
    ['a name with a quote', 'ip-pools', { name: "a'b" }, 'name'],
    ['a name with a slash', 'ip-pools', { name: 'ip-pools/edge' }, 'name'],
    ['a name that vanishes from paths', 'ip-pools', { name: '..' }, 'name'],
    ['no addresses', 'ip-pools', { cidr: undefined }, 'ranges'],
    ['only empty lists', 'ip-pools', { cidr: undefined, cidrs: [], ranges: [] }, 'ranges'],
    ['both words for a network', 'ip-pools', { cidrs: ['10.10.3.0/24'] }, 'cidr'],
    ['host bits', 'ip-pools', { cidr: '10.10.2.1/24' }, 'cidr'],
    ['host bits in a list', 'ip-pools', { cidr: undefined, cidrs: ['10.0.0.0/24', '10.0.1.1/24'] }, 'cidrs[1]'],
    ['a prefix that is none', 'ip-pools', { cidr: '10.10.2.0/33' }, 'cidr'],
    ['IPv6', 'ip-pools', { cidr: 'fd00::/64' }, 'cidr'],
    ['IPv6 in a range', 'ip-pools', { ranges: [{ first: 'fd00::1', last: 'fd00::9' }] }, 'ranges[0].first'],
    ['a reversed range', 'ip-pools', { ranges: ['10.0.0.9-10.0.0.5'] }, 'ranges[0]'],
    ['reversed ends', 'ip-pools', { exclusions: [{ first: '10.0.0.9', last: '10.0.0.5' }] }, 'exclusions[0].last'],
    ['ranges that overlap', 'ip-pools', { ranges: ['10.0.0.1-10.0.0.5', '10.0.0.5'] }, 'ranges[1]'],
    ['a range within a network', 'ip-pools', { ranges: ['10.10.2.7'] }, 'ranges[0]'],
    ['a gateway that is a network', 'ip-pools', { gateway: '10.10.2.1/24' }, 'gateway'],
    ['a name server by name', 'ip-pools', { dns: ['9.9.9.9', 'dns.example'] }, 'dns[1]'],
    ['a lease of no time', 'ip-pools', { lease_seconds: 0 }, 'lease_seconds'],
    ['a subnet with host bits', 'ip-pools', { subnet: '10.10.0.1/16' }, 'subnet'],
    ['a subnet’s id beyond its size', 'ip-pools', { subnet_id: 4_294_967_295 }, 'subnet_id'],
    ['a shared network with a blank', 'ip-pools', { dhcp_network: 'a b' }, 'dhcp_network'],
    ['thresholds that descend', 'ip-pools', { alert_thresholds: [0.9, 0.8] }, 'alert_thresholds[1]'],
    ['the same threshold twice', 'ip-pools', { alert_thresholds: [0.8, 0.8] }, 'alert_thresholds[1]'],
    ['a threshold of nothing', 'ip-pools', { alert_thresholds: [0] }, 'alert_thresholds[0]'],
    ['a threshold above all', 'ip-pools', { alert_thresholds: [1.01] }, 'alert_thresholds[0]'],
    ['a state of its own', 'ip-pools', { state: 'deleted' }, 'state'],
    ['a group with a blank', 'ip-pools', { groups: ['a b'] }, 'groups[0]'],
    ['a group twice', 'ip-pools', { groups: ['a', 'a'] }, 'groups'],
    ['half of a character', 'ip-pools', { description: '\ud800' }, 'description'],
    ['a control character', 'ip-pools', { description: 'a\u0007' }, 'description'],
    ['fields of another kind', 'ip-pools', { denied: [33_000] }, 'denied'],
    ['what only answers have', 'ip-pools', { version: 1, use: {} }, 'version', 'use'],
    ['port 0', 'port-pools', { ranges: [0] }, 'ranges[0]'],
    ['port 65536', 'port-pools', { ranges: [{ first: 33_000, last: 65_536 }] }, 'ranges[0].last'],
    ['a port of the router', 'port-pools', { ranges: [{ start: 1_023, end: 33_000 }] }, 'ranges[0].start'],
    ['text beyond the last port', 'port-pools', { ranges: ['33000-65536'] }, 'ranges[0]'],
    ['a reversed range of ports', 'port-pools', { ranges: [{ first: 33_001, last: 33_000 }] }, 'ranges[0].last'],
    ['a range of both forms', 'port-pools', { ranges: [{ first: 33_000, end: 33_001 }] }, 'ranges[0]'],
    ['ranges and port_range', 'port-pools', { port_range: 40_000 }, 'port_range'],
    ['no ports', 'port-pools', { ranges: [] }, 'ranges'],
    ['too many ranges', 'port-pools', { ranges: many(1_001) }, 'ranges'],
    ['overlapping ports', 'port-pools', { ranges: ['33000-33009', 33_009] }, 'ranges[1]'],
    ['a denied port that is none', 'port-pools', { denied: [65_536] }, 'denied[0]'],
    ['a protocol of its own', 'port-pools', { protocols: ['icmp'] }, 'protocols[0]'],
    ['an interface with a blank', 'port-pools', { interface: 'eth 0' }, 'interface'],
    ['an external network', 'port-pools', { external_ip: '192.0.2.0/24' }, 'external_ip'],
    ['rule 0', 'rule-pools', { ranges: [0] }, 'ranges[0]'],
    ['rule 1000000', 'rule-pools', { ranges: ['1-1000000'] }, 'ranges[0]'],
    ['a fractional rule', 'rule-pools', { ranges: [1.5] }, 'ranges[0]'],
  ];
  for (const [what, kind, change, ...fields] of refused) {
    await t.test(`${what} is 422 and names ${fields.join(', ')}`, async () => {
      const answer = await create(kind, { ...bases[kind], ...change });
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      assert.deepEqual(fieldsOf(answer), fields, JSON.stringify(answer.body.errors));
    });
  }

  await t.test('all wrong fields are named at once', async () => {
    const body = { name: 'a', cidrs: ['10.0.0.1/8'], ranges: ['x'], gateway: 'y', alert_thresholds: [0.9, 0.1] };
    assert.deepEqual(fieldsOf(await create('ip-pools', body)), [
      'alert_thresholds[1]',
      'cidrs[0]',
      'ranges[0]',
      'gateway',
    ]);
  });

  await t.test('IPv6 is refused with the reason', async () => {
    const answer = await create('ip-pools', { name: 'six', cidr: 'fd00::/64' });
    assert.match(answer.body.errors[0].message, /IPv6 is not handed out yet/);
  });

  await t.test('a change that would leave nothing is refused', async () => {
    for (const [kind, body, field] of [
      ['ip-pools', { cidrs: [], ranges: [] }, 'ranges'],
      ['port-pools', { ranges: [] }, 'ranges'],
      ['rule-pools', { ranges: [] }, 'ranges'],
      ['rule-pools', {}, 'body'],
      ['ip-pools', { name: 'other' }, 'name'],
      ['ip-pools', { router: 'other' }, 'router'],
    ] as const) {
      const answer = await gateway.call('PATCH', `/v1/pools/${kind}/edge`, { body });
      assert.deepEqual([answer.status, fieldsOf(answer)], [422, [field]], JSON.stringify(body));
    }
  });

  assert.equal(played.asked.length, 0, 'nothing of all this reached the allocator');

  await t.test('a thousand ranges are taken', async () => {
    assert.equal((await create('port-pools', { name: 'many', ranges: many(1_000) })).status, 201);
  });
});

test('whatever is sent about pools, the answer is a success or a problem of the caller’s that names a field', async (t) => {
  const gateway = await startTestGateway(t);
  await playPools(gateway);
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom('', '10.0.0.1', '10.0.0.0/8', '10.0.0.1-10.0.0.9', '33000-33009', 'fd00::1', '..', 'edge', '\'"\\'),
  );
  const number = fc.oneof(
    fc.integer(),
    fc.double(),
    fc.constantFrom(0, 1, 1_023, 1_024, 65_535, 65_536, 999_999, 1_000_000, 2 ** 32, -1),
  );
  const anything = fc.oneof(
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
    { weight: 2, arbitrary: text },
    number,
  );
  const orNot = <T>(arbitrary: fc.Arbitrary<T>) =>
    fc.option(fc.oneof({ weight: 6, arbitrary: arbitrary as fc.Arbitrary<unknown> }, anything), { nil: undefined });
  const span = fc.oneof(
    text,
    number,
    fc.record({ first: orNot(fc.oneof(text, number)), last: orNot(fc.oneof(text, number)) }),
    fc.record({ start: orNot(number), end: orNot(number) }),
  );
  const spans = orNot(fc.array(span, { maxLength: 4 }));
  const common = {
    name: orNot(fc.constantFrom('edge', 'a', '.')),
    router: orNot(text),
    description: orNot(text),
    groups: orNot(fc.array(text, { maxLength: 3 })),
    default: orNot(fc.boolean()),
    state: orNot(fc.constantFrom('active', 'draining', 'disabled')),
    alert_thresholds: orNot(fc.array(fc.oneof(fc.double({ min: 0, max: 1 }), number), { maxLength: 3 })),
    ranges: spans,
    exclusions: spans,
  };
  const bodies = {
    'ip-pools': fc.record({
      ...common,
      ...{ cidr: orNot(text), cidrs: orNot(fc.array(text, { maxLength: 3 })), gateway: orNot(text) },
      ...{ dns: orNot(fc.array(text, { maxLength: 3 })), lease_seconds: orNot(number), dhcp_network: orNot(text) },
      ...{ subnet: orNot(text), subnet_id: orNot(number) },
    }),
    'port-pools': fc.record({
      ...common,
      ...{ port_range: orNot(span), denied: spans, external_ip: orNot(text), interface: orNot(text) },
      protocols: orNot(fc.array(fc.constantFrom('tcp', 'udp', 'icmp'), { maxLength: 3 })),
    }),
    'rule-pools': fc.record(common),
  };
  const reservation = fc.record({
    ...{ first: orNot(fc.oneof(text, number)), last: orNot(fc.oneof(text, number)), count: orNot(number) },
    ...{ note: orNot(text), lifetime_seconds: orNot(number), protocols: orNot(fc.array(text, { maxLength: 2 })) },
  });
  const check = (answer: Answer, ...successes: number[]) => {
    assert.ok([...successes, 400, 404, 409, 412, 422].includes(answer.status), JSON.stringify(answer.body));
    if (answer.status === 422) assert.ok(fieldsOf(answer).length > 0 && !fieldsOf(answer).includes(''));
  };
  for (const [kind, body] of Object.entries(bodies)) {
    await fc.assert(
      fc.asyncProperty(body, async (given) => {
        check(await gateway.call('POST', `/v1/pools/${kind}`, { body: given }), 201);
        const { name: _, router: __, ...changes } = given;
        check(await gateway.call('PATCH', `/v1/pools/${kind}/edge`, { body: changes }), 200);
      }),
      { numRuns: 100 },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 4, arbitrary: reservation as fc.Arbitrary<unknown> }, anything),
        async (given) => check(await gateway.call('POST', `/v1/pools/${kind}/edge/reservations`, { body: given }), 201),
      ),
      { numRuns: 60 },
    );
  }
  const part = fc.oneof(text, number.map(String));
  const query = fc.dictionary(fc.constantFrom('address', 'port', 'rule_number', 'router', 'external_ip', 'x'), part);
  await fc.assert(
    fc.asyncProperty(query, async (given) => {
      check(await gateway.call('GET', `/v1/pools/explain?${new URLSearchParams(given)}`), 200);
      check(await gateway.call('GET', `/v1/pools?${new URLSearchParams(given)}`), 200);
    }),
    { numRuns: 100 },
  );
  await fc.assert(
    fc.asyncProperty(
      text,
      fc.string({ maxLength: 12 }).filter((tag) => /^[\x20-\x7e]*$/.test(tag)),
      async (name, tag) => {
        const path = `/v1/pools/ip-pools/${encodeURIComponent(name)}`;
        const headers = { 'if-match': tag, 'if-none-match': tag };
        check(await gateway.call('GET', path, { headers }), 200, 304);
        check(await gateway.call('PATCH', path, { headers, body: { description: '' } }), 200, 405);
      },
    ),
    { numRuns: 60 },
  );
});
