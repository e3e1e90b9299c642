import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolSchema, PoolService, PoolState, PortProtocol, subjectOfMethod } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { fingerprintOf } from '../src/domain/requests/idempotency.ts';
import { startTestGateway } from './support/gateway-under-test.ts';
import { aPool, playPools } from './support/played-pools.ts';

const { method } = PoolService;
const ip = '/v1/pools/ip-pools';
const edge = { name: 'edge', cidr: '10.10.2.0/24' };

test('an IP pool is made with all that was asked, and answered in one form', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const body = {
    name: 'edge',
    router: 'r1',
    description: 'the „edge“',
    groups: ['blue', 'green'],
    default: true,
    state: 'disabled',
    alert_thresholds: [0.5, 0.9],
    cidrs: ['10.10.2.0/24', '10.10.3.0/25'],
    ranges: ['10.10.4.5-10.10.4.9', '10.10.4.20', { first: '10.10.4.30', last: '10.10.4.31' }],
    exclusions: ['10.10.2.0/28', { first: '10.10.2.99' }],
    gateway: '10.10.2.1',
    dns: ['9.9.9.9'],
    lease_seconds: 3_600,
    dhcp_network: 'LAN',
    subnet: '10.10.0.0/16',
    subnet_id: 7,
  };
  const answer = await gateway.call('POST', ip, { body });
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
  assert.equal(answer.headers.get('location'), `${ip}/edge`);
  assert.match(answer.headers.get('etag') ?? '', /^"1-/);
  const { cidrs, gateway: given, dns, lease_seconds, dhcp_network, subnet, subnet_id } = body;
  assert.deepEqual(answer.body, {
    ...{ name: 'edge', kind: 'ip-pools', resource: 'ip-pools/edge', router: 'r1', description: body.description },
    ...{ groups: body.groups, default: true, state: 'disabled', alert_thresholds: [0.5, 0.9] },
    ...{ cidrs, gateway: given, dns, lease_seconds, dhcp_network, subnet, subnet_id },
    ranges: [
      { first: '10.10.4.5', last: '10.10.4.9' },
      { first: '10.10.4.20', last: '10.10.4.20' },
      { first: '10.10.4.30', last: '10.10.4.31' },
    ],
    exclusions: [
      { first: '10.10.2.0', last: '10.10.2.15' },
      { first: '10.10.2.99', last: '10.10.2.99' },
    ],
    version: 1,
    from_settings: false,
    use: {
      ...{ size: 10, free: 8, held: 2, reserved: 0, quarantined: 0, foreign: 0, used: 0.2 },
      ...{ threshold_reached: null, taken_per_hour: null, exhausted_at: null },
    },
    warnings: [],
    created_at: '2026-01-01T12:00:00.000Z',
    updated_at: '2026-01-01T12:00:00.000Z',
  });
  assert.equal(played.last().message.pool.state, PoolState.DISABLED);
  assert.deepEqual((await gateway.call('GET', `${ip}/edge`)).body, answer.body);
});

test('port and rule pools take their short forms', async (t) => {
  const gateway = await startTestGateway(t);
  await playPools(gateway);
  const ports = { name: 'p', ranges: [33_000, '33010-33019', { start: 33_020, end: 33_029 }], denied: ['33015'] };
  const one = await gateway.call('POST', '/v1/pools/port-pools', { body: { ...ports, protocols: ['udp'] } });
  assert.equal(one.status, 201, JSON.stringify(one.body));
  assert.deepEqual(one.body.ranges, [
    { first: 33_000, last: 33_000 },
    { first: 33_010, last: 33_019 },
    { first: 33_020, last: 33_029 },
  ]);
  assert.deepEqual(one.body.denied, [{ first: 33_015, last: 33_015 }]);
  assert.deepEqual([one.body.protocols, one.body.external_ip, one.body.interface], [['udp'], null, null]);
  const two = await gateway.call('POST', '/v1/pools/port-pools', {
    body: { name: 'q', port_range: { start: 34_000, end: 34_099 }, external_ip: '192.0.2.7', interface: 'eth0.100' },
  });
  assert.deepEqual(two.body.ranges, [{ first: 34_000, last: 34_099 }]);
  assert.deepEqual([two.body.protocols, two.body.external_ip], [['tcp', 'udp'], '192.0.2.7']);
  const three = await gateway.call('POST', '/v1/pools/rule-pools', {
    body: { name: 'r', ranges: ['20000-29999'], exclusions: [20_001] },
  });
  assert.equal(three.body.resource, 'rule-pools/r');
  assert.deepEqual(three.body.exclusions, [{ first: 20_001, last: 20_001 }]);
});

test('a change takes what is given and names nothing else', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  await gateway.call('POST', ip, { body: edge });
  const cases: [Record<string, unknown>, string[]][] = [
    [{ description: '' }, ['description']],
    [{ default: false, groups: [] }, ['groups', 'is_default']],
    [{ state: 'draining', alert_thresholds: [] }, ['state', 'alert_thresholds']],
    [{ cidr: '10.10.9.0/24' }, ['ip.cidrs']],
    [{ gateway: null, lease_seconds: null }, ['ip.gateway', 'ip.lease_seconds']],
    [
      { ranges: [], exclusions: ['10.10.2.5'], dns: [], dhcp_network: 'LAN', subnet: null, subnet_id: 3 },
      ['ip.ranges', 'ip.exclusions', 'ip.dns', 'ip.dhcp_network', 'ip.subnet', 'ip.subnet_id'],
    ],
  ];
  for (const [body, paths] of cases) {
    const answer = await gateway.call('PATCH', `${ip}/edge`, { body });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.deepEqual(played.last().message.updateMask.paths, paths);
    assert.equal(played.last().message.pool.name, 'ip-pools/edge');
  }
  assert.equal(played.last().message.pool.values.value.subnetId, 3);
  for (const [kind, body, paths] of [
    ['port-pools', { port_range: '33000-33001', external_ip: null }, ['port.external_ip', 'port.ranges']],
    [
      'port-pools',
      { denied: [], interface: 'eth0', protocols: ['tcp'] },
      ['port.interface', 'port.denied', 'port.protocols'],
    ],
    ['rule-pools', { ranges: [1, 999_999], exclusions: [] }, ['rule.ranges', 'rule.exclusions']],
  ] as const) {
    assert.equal((await gateway.call('PATCH', `/v1/pools/${kind}/none`, { body })).status, 404);
    assert.deepEqual(played.last().message.updateMask.paths, paths);
  }
  assert.equal((await gateway.call('PATCH', `${ip}/edge`, { body: {} })).status, 422);
  assert.equal((await gateway.call('PUT', `${ip}/edge`, { body: edge })).status, 405);
});

test('the older addresses mean the same, PUT included', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  for (const [kind, body] of [
    ['ip-pools', edge],
    ['port-pools', { name: 'edge', ranges: ['33000-33001'] }],
    ['rule-pools', { name: 'edge', ranges: [20_000] }],
  ] as const) {
    const path = `/v1/admin/${kind}`;
    const made = await gateway.call('POST', path, { body, headers: { 'idempotency-key': 'k' } });
    assert.equal(made.status, 201);
    assert.equal(made.headers.get('location'), `/v1/pools/${kind}/edge`);
    assert.equal(played.last().context?.idempotency?.scope, `id-of-admin-1 POST /v1/pools/${kind}`);
    assert.deepEqual((await gateway.call('GET', `/v1/pools/${kind}/edge`)).body, made.body);
    assert.deepEqual((await gateway.call('GET', `${path}/edge`)).body, made.body);
    assert.deepEqual((await gateway.call('GET', path)).body, { items: [made.body], next_cursor: null });
    for (const verb of ['PUT', 'PATCH']) {
      assert.equal((await gateway.call(verb, `${path}/edge`, { body: { description: 'x' } })).status, 200);
      assert.deepEqual(played.last().message.updateMask.paths, ['description']);
    }
    assert.equal((await gateway.call('DELETE', `${path}/edge`)).status, 204);
    assert.equal((await gateway.call('DELETE', `${path}/edge`)).status, 404);
  }
});

test('a rehearsal is answered 200, and its Idempotency-Key is not used up', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const headers = { 'idempotency-key': 'k' };
  const answer = await gateway.call('POST', `${ip}?validate_only=true`, { body: edge, headers });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('location'), null);
  assert.equal(answer.body.name, 'edge');
  assert.equal(played.last().message.validateOnly, true);
  assert.equal(played.last().context?.idempotency, undefined);
  assert.equal((await gateway.call('GET', `${ip}/edge`)).status, 404);
  assert.equal((await gateway.call('POST', `${ip}?validate_only=false`, { body: edge, headers })).status, 201);
  await gateway.call('PATCH', `${ip}/edge?validate_only=true`, { body: { description: 'x' } });
  assert.equal(played.last().message.validateOnly, true);
  const wrong = await gateway.call('POST', `${ip}?validate_only=perhaps`, { body: edge });
  assert.deepEqual([wrong.status, wrong.body.errors[0].field], [422, 'validate_only']);
});

test('draining and its end are asked with or without a body', async (t) => {
  const gateway = await startTestGateway(t);
  await playPools(gateway);
  await gateway.call('POST', ip, { body: edge });
  const drained = await gateway.call('POST', `${ip}/edge/drain`);
  assert.deepEqual([drained.status, drained.body.state], [200, 'draining']);
  const back = await gateway.call('POST', `${ip}/edge/undrain`, { body: {} });
  assert.deepEqual([back.status, back.body.state], [200, 'active']);
  assert.equal((await gateway.call('POST', `${ip}/edge/drain`, { body: { now: true } })).status, 422);
});

test('pools are listed with the filters given, and the next page keeps them', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: unknown;
  const pool = aPool(create(PoolSchema, { name: 'rule-pools/edge', values: { case: 'rule', value: {} } }));
  gateway.answer(method.listPools, ({ $typeName, ...question }) => {
    asked = question;
    return { pools: [pool], nextPageToken: 'n=1', revision: '7' };
  });
  const all = await gateway.call('GET', '/v1/pools');
  assert.deepEqual(asked, { pageSize: 0, pageToken: '', kind: '', router: '', group: '' });
  assert.equal(all.body.next_cursor, 'n=1');
  assert.equal(all.headers.get('link'), '</v1/pools?cursor=n%3D1>; rel="next"');
  assert.equal(all.body.items[0].kind, 'rule-pools');
  const some = await gateway.call('GET', '/v1/pools/rule-pools?limit=2&cursor=abc&router=r1&group=blue');
  assert.deepEqual(asked, { pageSize: 2, pageToken: 'abc', kind: 'rule-pools', router: 'r1', group: 'blue' });
  const next = '/v1/pools/rule-pools?limit=2&cursor=n%3D1&router=r1&group=blue';
  assert.equal(some.headers.get('link'), `<${next}>; rel="next"`);
  const tag = some.headers.get('etag') ?? '';
  const again = await gateway.call('GET', next, { headers: { 'if-none-match': tag } });
  assert.equal(again.status, 304);
  for (const query of ['limit=0', 'limit=1001', 'limit=x', 'router=a b', 'kind=ip-pools'])
    assert.equal((await gateway.call('GET', `/v1/pools?${query}`)).status, 422, query);
});

test('a pool’s tag changes with its version and its use, and writes compare the version alone', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  await gateway.call('POST', ip, { body: edge });
  const one = await gateway.call('GET', `${ip}/edge`);
  const tag = one.headers.get('etag') ?? '';
  const read = (known: string) => gateway.call('GET', `${ip}/edge`, { headers: { 'if-none-match': known } });
  for (const known of [tag, `W/${tag}`, `"x", ${tag}`, '*']) {
    const answer = await read(known);
    assert.deepEqual([answer.status, answer.body, answer.headers.get('etag')], [304, undefined, tag]);
  }
  const pool = played.pools.get('ip-pools/edge') ?? assert.fail('no pool');
  const soon = timestampFromDate(new Date());
  played.pools.set(pool.name, { ...pool, use: { ...use(pool), takenPerHour: 1, exhaustedAt: soon } });
  assert.equal((await read(tag)).status, 304, 'the forecast alone is no news');
  played.pools.set(pool.name, { ...pool, use: { ...use(pool), free: 7n } });
  assert.equal((await read(tag)).status, 200, 'what is free is');
  const body = { description: 'x' };
  const change = (ifMatch: string) => gateway.call('PATCH', `${ip}/edge`, { body, headers: { 'if-match': ifMatch } });
  assert.equal((await change(tag)).status, 200);
  assert.equal(played.last().message.ifVersion, 1n);
  assert.equal((await change('*')).status, 200);
  assert.equal(played.last().message.ifVersion, 0n);
  const stale = await change('"9"');
  assert.deepEqual([stale.status, stale.body.code], [412, 'VERSION_MISMATCH']);
  assert.equal((await change(`W/${tag}`)).status, 412);
  const malformed = await change('1');
  assert.deepEqual([malformed.status, malformed.body.errors[0].field], [422, 'If-Match']);
  const remove = (ifMatch: string) => gateway.call('DELETE', `${ip}/edge`, { headers: { 'if-match': ifMatch } });
  assert.equal((await remove(`W/${tag}`)).status, 412);
  assert.equal((await remove(tag)).status, 204);
  assert.equal(played.last().message.ifVersion, 1n);
});

test('writes carry their Idempotency-Key, or one of their own by which a repeat is known', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  const keyed = { 'idempotency-key': 'k-1' };
  await gateway.call('POST', ip, { body: edge, headers: keyed });
  const { context } = played.last();
  assert.deepEqual(
    [context?.idempotency?.scope, context?.idempotency?.key],
    ['id-of-admin-1 POST /v1/pools/ip-pools', 'k-1'],
  );
  assert.deepEqual([...(context?.idempotency?.fingerprint ?? [])], [...fingerprintOf(edge, {})]);
  assert.equal(context?.principal?.id, 'id-of-admin-1');
  assert.ok(context?.deadline);
  const writes: [string, string, unknown?][] = [
    ['PATCH', '/edge', { description: 'x' }],
    ['POST', '/edge/drain'],
    ['POST', '/edge/reservations', {}],
    ['DELETE', '/edge/reservations/5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90'],
    ['DELETE', '/edge'],
  ];
  for (const [verb, path, body] of writes) {
    assert.equal((await gateway.call(verb, ip + path, { body, headers: { 'idempotency-key': 'a b' } })).status, 422);
    assert.ok((await gateway.call(verb, ip + path, { body, headers: keyed })).status < 300, path);
    assert.equal(played.last().context?.idempotency?.scope, `id-of-admin-1 ${verb} ${ip}${path}`);
  }
  await gateway.call('POST', ip, { body: { ...edge, name: 'other' } });
  const own = played.last().context;
  assert.deepEqual([own?.idempotency?.scope, own?.idempotency?.key], ['id-of-admin-1 operation', own?.operationId]);
});

test('silence about a change is followed by the same command again, then by 504', async (t) => {
  const gateway = await startTestGateway(t);
  const heard: (string | undefined)[] = [];
  gateway.bus.connection.subscribe(subjectOfMethod(gateway.prefix, method.createPool), {
    callback: (_error, message) => void heard.push(message.headers?.get('Berth-Context')),
  });
  await gateway.bus.connection.flush();
  const answer = await gateway.call('POST', ip, { body: edge });
  assert.deepEqual([answer.status, answer.body.code], [504, 'OUTCOME_UNKNOWN']);
  assert.equal(heard.length, 2);
  assert.ok(heard[0] && heard[0] === heard[1]);
});

test('what the allocator refuses is answered with its status, and its fields by their names here', async (t) => {
  const gateway = await startTestGateway(t);
  let failure = new DomainError('conflict', 'POOL_OVERLAP', 'The pool lab has some of the values.');
  const throwing = () => {
    throw failure;
  };
  gateway.answer(method.createPool, throwing);
  gateway.answer(method.deletePool, throwing);
  await gateway.bus.connection.flush();
  const refused = await gateway.call('POST', ip, { body: edge });
  assert.deepEqual([refused.status, refused.body.code], [409, 'POOL_OVERLAP']);
  assert.equal((await gateway.call('DELETE', `${ip}/edge`)).status, 409);
  const fields = ['pool.ip.ranges[0].first', 'ip.cidrs[1]', 'pool.is_default', 'router', 'pool.alert_thresholds'];
  failure = new DomainError('invalid', 'INVALID_REQUEST', 'No.', {
    fields: fields.map((field) => ({ field, message: 'is wrong' })),
  });
  const answer = await gateway.call('POST', ip, { body: edge });
  assert.equal(answer.status, 422);
  assert.deepEqual(
    answer.body.errors.map(({ field }: { field: string }) => field),
    ['ranges[0].first', 'cidrs[1]', 'default', 'router', 'alert_thresholds'],
  );
});

test('reading needs pools:read, everything else pools:write', async (t) => {
  const gateway = await startTestGateway(t);
  await playPools(gateway);
  await gateway.call('POST', ip, { body: edge });
  const reads = [
    '/v1/pools',
    ip,
    `${ip}/edge`,
    `${ip}/edge/allocations`,
    `${ip}/edge/reservations`,
    '/v1/pools/explain?port=1',
  ];
  for (const path of reads) {
    assert.equal((await gateway.call('GET', path, { apiKey: 'viewer-1' })).status, 200, path);
    assert.equal((await gateway.call('GET', path, { apiKey: null })).status, 401, path);
  }
  const writes: [string, string, unknown?][] = [
    ['POST', ip, edge],
    ['POST', '/v1/admin/ip-pools', edge],
    ['PATCH', `${ip}/edge`, { description: 'x' }],
    ['PUT', '/v1/admin/ip-pools/edge', { description: 'x' }],
    ['POST', `${ip}/edge/drain`],
    ['POST', `${ip}/edge/undrain`],
    ['POST', `${ip}/edge/reservations`, {}],
    ['DELETE', `${ip}/edge/reservations/5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90`],
    ['DELETE', `${ip}/edge`],
  ];
  for (const [verb, path, body] of writes)
    assert.equal((await gateway.call(verb, path, { body, apiKey: 'operator-1' })).status, 403, `${verb} ${path}`);
});

test('names that no pool can have are not found, without asking', async (t) => {
  const gateway = await startTestGateway(t);
  const played = await playPools(gateway);
  for (const name of ['a%20b', 'x'.repeat(64), '%F0%9F%9A%A2', "a'b", '%2e%2e%2f'])
    assert.equal((await gateway.call('GET', `${ip}/${name}`)).status, 404, name);
  assert.equal((await gateway.call('GET', '/v1/pools/mac-pools')).status, 404);
  assert.equal(played.asked.length, 0);
});

test('the forecast, warnings and what is reserved are shown', async (t) => {
  const gateway = await startTestGateway(t);
  const at = timestampFromDate(new Date('2026-02-01T00:00:00Z'));
  const init = create(PoolSchema, {
    name: 'port-pools/edge',
    values: { case: 'port', value: { ranges: [{ first: 33_000, last: 0 }], protocols: [PortProtocol.TCP] } },
    use: { size: 10n, free: 1n, reserved: 2n, quarantined: 3n, foreign: 4n, used: 0.9 },
    warnings: [{ code: 'POOL_OVERLAPS_SERVICE', message: 'ssh listens there', path: 'service ssh port 33000' }],
  });
  const use_ = { ...use(init), thresholdReached: 0.8, takenPerHour: -1.5, exhaustedAt: at };
  gateway.answer(method.getPool, () => aPool({ ...init, use: use_ }));
  await gateway.bus.connection.flush();
  const { body } = await gateway.call('GET', '/v1/pools/port-pools/edge');
  assert.deepEqual(body.use, {
    ...{ size: 10, free: 1, held: 0, reserved: 2, quarantined: 3, foreign: 4, used: 0.9, threshold_reached: 0.8 },
    ...{ taken_per_hour: -1.5, exhausted_at: '2026-02-01T00:00:00.000Z' },
  });
  assert.deepEqual(body.warnings[0].path, 'service ssh port 33000');
  assert.deepEqual([body.ranges, body.protocols], [[{ first: 33_000, last: 33_000 }], ['tcp']]);
});

/** The use of a pool that has one. */
function use<T>(pool: { readonly use?: T | undefined }): T {
  return pool.use ?? assert.fail('no use');
}
