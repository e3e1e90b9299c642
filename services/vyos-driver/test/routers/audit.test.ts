import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type AuditRecord, AuditRecordSchema, DriftPolicy, DriftService, RouterAdminService } from '@berth/contracts';
import { request } from '@berth/messaging';
import { fromBinary } from '@bufbuild/protobuf';
import { driverWorld, type World } from '../support/driver-world.ts';
import { admin, anotherRouter, masterKey, routerSide, settingsOf, withCode } from '../support/router-side.ts';

const timeoutMs = 10_000;

const asked = { clientAddress: '192.0.2.7', userAgent: 'tests/1', requestId: '86fe85e6cfe0045b6202c655ae69fd59' };

const contextOf = (key?: string) => ({
  ...{ operationId: randomUUID(), principal: admin, ...asked },
  ...(key !== undefined && { idempotency: { scope: 's', key, fingerprint: new Uint8Array([1]) } }),
});

/** What committed: each entry has its row before anything is answered. The router of the settings is told of first, by the start. */
async function committed(world: World): Promise<(AuditRecord & { before: unknown; after: unknown })[]> {
  const rows = await world.query<{ payload: Buffer }>("SELECT payload FROM outbox WHERE stream = 'AUDIT' ORDER BY seq");
  const stateOf = (json: string): unknown => (json === '' ? undefined : JSON.parse(json));
  return rows.map(({ payload }) => {
    const record = fromBinary(AuditRecordSchema, payload);
    return { ...record, before: stateOf(record.beforeJson), after: stateOf(record.afterJson) };
  });
}

test('each change of a router is an entry of who, from where, what it was and what it is; its key is in none', async (t) => {
  const world = await driverWorld(t, { times: { leaseTtlMs: 1_000, leaseMarginMs: 200 } });
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const { method } = RouterAdminService;
  const settings = settingsOf(edge);
  const add = () => {
    const message = { name: 'edge', settings, disabled: true, context: contextOf('add') };
    return request(world.bus, method.addRouter, message, { timeoutMs });
  };
  const { keyFingerprint } = (await Promise.all([add(), add(), add()]))[0] ?? assert.fail();
  const update = (changes: object) =>
    request(world.bus, method.updateRouter, { router: 'edge', ...changes, context: contextOf() }, { timeoutMs });
  await update({ wanInterface: 'eth9' });
  await update({ wanInterface: 'eth9', key: edge.key }); // as it is
  const planted = 'Planted-Key-Of-The-Router-1';
  const { keyFingerprint: another } = await update({ key: planted });
  await assert.rejects(update({ host: '192.0.2.1' }), withCode('INVALID_REQUEST'));
  const remove = () =>
    request(world.bus, method.removeRouter, { router: 'edge', context: contextOf('remove') }, { timeoutMs });
  await Promise.all([remove(), remove()]);
  const [start, made, renamed, keyed, removed, ...more] = await committed(world);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [start?.action, start?.resourceId, start?.principal?.kind, start?.principal?.name],
    ['router.created', 'default', 'service', 'berth'],
  );
  assert.deepEqual(
    [made?.action, made?.result, made?.principal?.id, made?.principal?.kind, made?.principal?.name],
    ['router.created', 'succeeded', 'admin', 'api_key', 'admin'],
  );
  assert.deepEqual(
    [made?.resourceType, made?.resourceId, made?.clientAddress, made?.userAgent, made?.requestId, made?.traceId],
    ['router', 'edge', asked.clientAddress, asked.userAgent, asked.requestId, asked.requestId],
  );
  const state = {
    ...{ host: settings.host, port: settings.port, key_id: settings.keyId, key_fingerprint: keyFingerprint },
    ...{
      fingerprint: settings.fingerprint.replaceAll(':', '').toLowerCase(),
      ca_pem_sha256: null,
      wan_interface: null,
    },
    ...{ external_ip: null, dhcp_network: null, dhcp_subnet: null, from_settings: false, enabled: false },
  };
  assert.deepEqual([made?.before, made?.after], [undefined, { ...state, version: versionIn(made?.after) }]);
  const version = versionIn(made?.after);
  assert.deepEqual(
    [renamed?.action, renamed?.before, renamed?.after],
    ['router.changed', { wan_interface: null, version }, { wan_interface: 'eth9', version: version + 1 }],
  );
  assert.deepEqual(
    [keyed?.before, keyed?.after],
    [
      { key_fingerprint: keyFingerprint, version: version + 1 },
      { key_fingerprint: another, version: version + 2 },
    ],
  );
  const last = { ...state, key_fingerprint: another, wan_interface: 'eth9', version: version + 2 };
  assert.deepEqual([removed?.action, removed?.before, removed?.after], ['router.deleted', last, undefined]);
  const [rows] = await world.query<{ text: string }>(
    `SELECT string_agg(encode(payload, 'escape'), '') AS text FROM outbox`,
  );
  for (const key of [edge.key, planted, world.router.key]) assert.ok(!rows?.text.includes(key));
});

const versionIn = (state: unknown): number => Number(Object(state)['version']);

test('new policies of drift are told with the old ones; the same ones, a repeat and a refusal are not', async (t) => {
  const world = await driverWorld(t);
  await world.start();
  const set = (policy: DriftPolicy, more: object = {}) =>
    request(
      world.bus,
      DriftService.method.setDriftPolicies,
      {
        ...{ principal: admin, router: 'default', rules: [{ path: ['nat', 'destination'], policy }] },
        ...{ origin: asked, ...more },
      },
      { timeoutMs },
    );
  const once = { idempotency: { scope: 's', key: 'k', fingerprint: new Uint8Array([1]) } };
  await Promise.all([set(DriftPolicy.REPAIR, once), set(DriftPolicy.REPAIR, once)]);
  await set(DriftPolicy.REPAIR);
  await assert.rejects(set(DriftPolicy.REPORT, { ifTag: 'another' }), withCode('VERSION_MISMATCH'));
  await set(DriftPolicy.REPORT);
  const [, first, second, ...more] = await committed(world);
  assert.deepEqual(more, []);
  const policies = (policy: string) => ({ policies: [{ path: 'nat destination', policy }] });
  assert.deepEqual(
    [first?.action, first?.resourceType, first?.resourceId, first?.principal?.id, first?.clientAddress],
    ['drift_policy.changed', 'drift_policy', 'default', 'admin', asked.clientAddress],
  );
  assert.deepEqual([first?.before, first?.after], [{ policies: [] }, policies('repair')]);
  assert.deepEqual([second?.before, second?.after], [policies('repair'), policies('report')]);
});

test('another master key is no change of any router: its entries are none, connections go on, and one key has one fingerprint', async (t) => {
  const world = await driverWorld(t);
  const [old, fresh] = [masterKey('old'), masterKey('fresh')];
  const edge = await anotherRouter(t);
  const first = await world.start({ encryptionKeys: [old] });
  await routerSide(world).add({ name: 'edge', settings: settingsOf(edge), disabled: true });
  const routers = () =>
    world.query<{ key_fingerprint: string }>(
      'SELECT name, connection, revision, key_fingerprint FROM routers ORDER BY name',
    );
  const before = await routers();
  await first.stop();
  // A rolling change: for a while one replica writes with the old key and another one with the new one.
  const replicas = [
    await world.start({ encryptionKeys: [old, fresh] }),
    await world.start({ encryptionKeys: [fresh, old] }),
  ];
  const during = await routers();
  assert.deepEqual(
    during.map((router) => ({ ...router, key_fingerprint: '' })),
    before.map((router) => ({ ...router, key_fingerprint: '' })),
  );
  assert.ok(during.every(({ key_fingerprint }, at) => key_fingerprint !== before[at]?.key_fingerprint));
  await Promise.all(replicas.map((replica) => replica.stop()));
  await world.start({ encryptionKeys: [fresh] });
  assert.deepEqual(await routers(), during);
  assert.deepEqual(
    (await committed(world)).map(({ action, resourceId }) => [action, resourceId]),
    [
      ['router.created', 'default'],
      ['router.created', 'edge'],
    ],
  );
});

test('a change of a router whose entry cannot be kept is not made', async (t) => {
  const world = await driverWorld(t);
  await world.start({ encryptionKeys: [masterKey()] });
  const edge = await anotherRouter(t);
  const side = routerSide(world);
  await world.query("ALTER TABLE outbox ADD CONSTRAINT no_entries CHECK (stream <> 'AUDIT') NOT VALID");
  await assert.rejects(side.add({ name: 'edge', settings: settingsOf(edge), disabled: true }));
  await world.query('ALTER TABLE outbox DROP CONSTRAINT no_entries');
  await assert.rejects(side.get('edge'), withCode('ROUTER_UNKNOWN'));
  await side.add({ name: 'edge', settings: settingsOf(edge), disabled: true });
});
