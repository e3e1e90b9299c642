import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AddRouterRequest,
  CheckResult,
  RouterAdminService,
  type RouterDetailsSchema,
  RouterState,
  RouterUseService,
  type UpdateRouterRequest,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { startTestGateway } from './support/gateway-under-test.ts';

const { method } = RouterAdminService;
const at = timestampFromDate(new Date('2026-01-01T12:00:00Z'));
const key = 'the-key-of-the-router';
const aRouter = (): MessageInitShape<typeof RouterDetailsSchema> => ({
  status: { router: 'edge', state: RouterState.OK, epoch: 3n, version: '1.5', since: at },
  settings: { host: '10.0.0.2', port: 443, keyId: 'berth', wanInterface: 'eth0' },
  keyFingerprint: '0a1b2c3d',
  enabled: true,
  version: 7n,
  createdAt: at,
  updatedAt: at,
  leaseHolder: 'worker',
  leaseEpoch: 3n,
  appliedCommits: 2n,
  savedCommits: 1n,
  waitingChanges: 4,
  cost: { fixedMs: 1_400, natSetMs: 105, mappingSetMs: 70, deleteMs: 30, sizeMs: 45 },
});

test('a router is added with what was asked; its key goes to the driver and nowhere else', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: AddRouterRequest | undefined;
  gateway.answer(method.addRouter, (message) => {
    asked = message;
    return aRouter();
  });
  const body = { name: 'edge', host: '10.0.0.2', key, wan_interface: 'eth0', external_ip: null, enabled: false };
  const added = await gateway.call('POST', '/v1/routers', { body });
  assert.equal(added.status, 201);
  assert.equal(added.headers.get('location'), '/v1/routers/edge');
  assert.match(added.headers.get('etag') ?? '', /^"7-/);
  assert.deepEqual(
    [asked?.name, asked?.settings?.key, asked?.settings?.wanInterface, asked?.disabled],
    ['edge', key, 'eth0', true],
  );
  assert.equal(asked?.context?.principal?.id, 'id-of-admin-1');
  assert.ok(asked?.context?.deadline);
  const { state, breaker, lease, commits, waiting_changes, version, vyos_version, last_look_at } = added.body;
  assert.deepEqual(
    { state, breaker, lease, commits, waiting_changes, version, vyos_version, last_look_at },
    {
      ...{ state: 'ok', breaker: 'closed', lease: { holder: 'worker', epoch: 3 }, commits: { applied: 2, saved: 1 } },
      ...{ waiting_changes: 4, version: 7, vyos_version: '1.5', last_look_at: null },
    },
  );
  assert.ok(!('key' in added.body));
  await gateway.call('POST', '/v1/routers', { body: { ...body, port: 'x' } });
  assert.ok(gateway.logged.length > 0 && !JSON.stringify(gateway.logged).includes(key));
});

test('fields that are unknown or missing are refused, and no answer repeats the key', async (t) => {
  const gateway = await startTestGateway(t);
  for (const body of [
    { name: 'edge', host: 'h' },
    { name: 'edge', host: 'h', key, tls: false },
    { name: 'edge', host: 'h', key, port: 0 },
    { name: 'edge', host: 'h', key, key_id: '' },
  ]) {
    const answer = await gateway.call('POST', '/v1/routers', { body });
    assert.equal(answer.status, 422);
    assert.ok(!JSON.stringify(answer.body).includes(key));
  }
  assert.equal((await gateway.call('PATCH', '/v1/routers/edge', { body: {} })).status, 422);
});

test('a change names only what is to change, null being the default, with the version that was seen', async (t) => {
  const gateway = await startTestGateway(t);
  const asked: UpdateRouterRequest[] = [];
  gateway.answer(method.updateRouter, (message) => {
    asked.push(message);
    return aRouter();
  });
  const headers = { 'if-match': '"7-abc"' };
  const changed = await gateway.call('PATCH', '/v1/routers/edge', { body: { port: 8443, ca_pem: null }, headers });
  assert.equal(changed.status, 200);
  const defaults = await gateway.call('PATCH', '/v1/routers/edge', { body: { port: null, key_id: null } });
  const { port: defaultPort, keyId: defaultId } = asked.pop() ?? {};
  assert.deepEqual([defaults.status, defaultPort, defaultId], [200, 0, '']); // the driver's words for the default
  await gateway.call('POST', '/v1/routers/edge/disable');
  await gateway.call('POST', '/v1/routers/edge/enable', { body: {} });
  const seen = asked.map(({ router, port, caPem, host, key: newKey, enabled, context }) => ({
    ...{ router, port, caPem, host, newKey, enabled, ifVersion: context?.ifVersion },
  }));
  const nothing = {
    router: 'edge',
    port: undefined,
    caPem: undefined,
    host: undefined,
    newKey: undefined,
    ifVersion: 0n,
  };
  assert.deepEqual(seen, [
    { ...nothing, port: 8_443, caPem: '', enabled: undefined, ifVersion: 7n },
    { ...nothing, enabled: false },
    { ...nothing, enabled: true },
  ]);
});

test('a router is removed only when the allocator has nothing on it', async (t) => {
  const gateway = await startTestGateway(t);
  let removed = 0;
  let use = { vms: 2, pools: ['ip-pools/edge'], reservations: 1 };
  gateway.answer(RouterUseService.method.getRouterUse, () => use);
  gateway.answer(method.removeRouter, () => {
    removed += 1;
    return {};
  });
  const refused = await gateway.call('DELETE', '/v1/routers/edge');
  assert.deepEqual([refused.status, refused.body.code, removed], [409, 'ROUTER_IN_USE', 0]);
  assert.match(refused.body.detail, /2 VMs, 1 reservations, 1 pools that people made or changed \(ip-pools\/edge\)/);
  use = { vms: 0, pools: [], reservations: 0 };
  assert.equal((await gateway.call('DELETE', '/v1/routers/edge')).status, 204);
  assert.equal(removed, 1);
});

test('a test says what was found, with 200 also when something is wrong', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.testRouter, ({ router, settings }) => ({
    checks: [
      { name: 'connection', result: CheckResult.OK, message: 'yes' },
      { name: 'key', result: router === '' ? CheckResult.FAILED : CheckResult.WARNING, message: settings?.host ?? '' },
    ],
    certificate: { fingerprint: 'ab', subject: 'CN=edge', expiresAt: at },
  }));
  const tried = await gateway.call('POST', '/v1/routers/test', { body: { host: 'h', key } });
  assert.deepEqual(
    [tried.status, tried.body.ok, tried.body.checks[1]],
    [200, false, { name: 'key', result: 'failed', message: 'h' }],
  );
  const registered = await gateway.call('POST', '/v1/routers/edge/test');
  assert.deepEqual([registered.status, registered.body.ok, registered.body.profile], [200, true, null]);
});

test('viewers read routers and change none', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.listRouterDetails, () => ({ routers: [aRouter()] }));
  gateway.answer(method.getRouter, () => {
    throw new DomainError('not_found', 'ROUTER_UNKNOWN', 'No.');
  });
  const apiKey = 'viewer-1';
  const list = await gateway.call('GET', '/v1/routers', { apiKey });
  assert.deepEqual([list.status, list.body.items[0].name], [200, 'edge']);
  const headers = { 'if-none-match': list.headers.get('etag') ?? '' };
  assert.equal((await gateway.call('GET', '/v1/routers', { apiKey, headers })).status, 304);
  assert.equal((await gateway.call('GET', '/v1/routers/nowhere', { apiKey })).status, 404);
  for (const [verb, path] of [
    ['POST', '/v1/routers'],
    ['POST', '/v1/routers/test'],
    ['PATCH', '/v1/routers/edge'],
    ['DELETE', '/v1/routers/edge'],
    ['POST', '/v1/routers/edge/disable'],
  ] as const) {
    assert.equal((await gateway.call(verb, path, { apiKey, body: {} })).status, 403, path);
  }
});
