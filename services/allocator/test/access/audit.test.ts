import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuditRecordSchema, PoolState, streams, VmService } from '@berth/contracts';
import { request, streamName } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { fromBinary } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { type ToldEntry, toldEntries, withStates } from '../support/audit-side.ts';
import { ipPool, keyed, poolSide, portPool, settingsChanges, smallPools } from '../support/pool-side.ts';
import { aPrincipal, makeWorld, type World } from '../support/world.ts';

const aWorld = (t: Parameters<typeof makeWorld>[0], replicas = 1): Promise<World> =>
  makeWorld(t, { replicas, config: { pools: smallPools } });

/** What committed, without that of the start; each has its row before anything is answered. */
async function committed(world: World): Promise<ToldEntry[]> {
  const rows = await world.query<{ payload: Buffer }>("SELECT payload FROM outbox WHERE stream = 'AUDIT' ORDER BY seq");
  return rows.slice(settingsChanges).map(({ payload }) => withStates(fromBinary(AuditRecordSchema, payload)));
}

const actionsOf = (entries: readonly ToldEntry[]) => entries.map(({ action, resourceId }) => `${action} ${resourceId}`);

const asked = {
  clientAddress: '192.0.2.7',
  userAgent: 'tests/1 token=Planted-Secret-1',
  requestId: '86fe85e6cfe0045b6202c655ae69fd59',
};

test('each change of a pool is an entry of who, from where, what it was and what it is', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(ipPool('edge', '10.0.2.10', '10.0.2.29', { description: 'the edge', isDefault: true }), asked);
  const changes = { name: 'ip-pools/edge', description: 'password=Planted-Secret-1', groups: ['blue'] };
  await pools.updatePool({ pool: changes }, asked);
  await pools.drainPool({ name: 'ip-pools/edge' }, asked);
  await pools.deletePool({ name: 'ip-pools/edge' }, asked);
  const [made, displaced, changed, drained, deleted, ...more] = await committed(world);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [made?.action, made?.result, made?.principal?.id, made?.principal?.kind, made?.principal?.name],
    ['pool.created', 'succeeded', 'key-admin', 'api_key', 'admin'],
  );
  assert.deepEqual(
    [made?.resourceType, made?.resourceId, made?.resourceName, made?.clientAddress, made?.requestId, made?.traceId],
    ['pool', 'ip-pools/edge', 'edge', asked.clientAddress, asked.requestId, asked.requestId],
  );
  const pool = {
    ...{ name: 'edge', router: 'default', description: 'the edge', groups: [], default: true, state: 'active' },
    ...{ cidrs: [], ranges: ['10.0.2.10-10.0.2.29'], exclusions: [], gateway: '', dns: [], lease_seconds: 0 },
    ...{ dhcp_network: '', subnet: '', subnet_id: 0, alert_thresholds: [], from_settings: false, version: 1 },
  };
  assert.deepEqual([made?.before, made?.after], [undefined, pool]);
  assert.deepEqual(
    [displaced?.action, displaced?.resourceId, displaced?.before, displaced?.after],
    ['pool.changed', 'ip-pools/default', { default: true, version: 1 }, { default: false, version: 2 }],
  );
  const description = 'password=[redacted]';
  assert.deepEqual(
    [changed?.action, changed?.before, changed?.after],
    [
      'pool.changed',
      { description: 'the edge', groups: [], version: 1 },
      { description, groups: ['blue'], version: 2 },
    ],
  );
  assert.deepEqual(
    [drained?.before, drained?.after],
    [
      { state: 'active', version: 2 },
      { state: 'draining', version: 3 },
    ],
  );
  const last = { ...pool, description, groups: ['blue'], state: 'draining', version: 3 };
  assert.deepEqual([deleted?.action, deleted?.before, deleted?.after], ['pool.deleted', last, undefined]);
  const rows = await world.query<{ payload: Buffer }>("SELECT payload FROM outbox WHERE stream = 'AUDIT'");
  assert.ok(!rows.some(({ payload }) => payload.includes('Planted-Secret-1')));
  // They stand in the stream too, in which auth finds them.
  const inStream = await eventually(async () => {
    const told = await toldEntries(world.bus);
    return told.length === settingsChanges + 5 && told;
  });
  assert.ok(inStream.some(({ id }) => id === made?.id));
});

test("reservations are entries, and their end by the clock is one of Berth's own; so are the settings' pools", async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const value = { first: '32010', last: '32011' };
  const first = await pools.reserve({ pool: 'port-pools/default', ...value, note: 'printer' }, asked);
  await pools.release({ reservationId: first.id }, asked);
  await pools.reserve({ pool: 'port-pools/default', count: 1, lifetime: durationFromMs(1_000) }, asked);
  const entries = await eventually(async () => {
    const told = await committed(world);
    return told.length === 4 && told;
  });
  const [made, released, , ended] = entries;
  const held = {
    ...{ pool: 'port-pools/default', values: '32010-32011', protocols: ['tcp', 'udp'], note: 'printer' },
    expires_at: null,
  };
  assert.deepEqual(
    [made?.action, made?.resourceId, made?.resourceName, made?.before, made?.after],
    ['reservation.created', first.id, 'port-pools/default', undefined, held],
  );
  assert.deepEqual(
    [released?.action, released?.resourceId, released?.before, released?.after, released?.principal?.name],
    ['reservation.released', first.id, held, undefined, 'admin'],
  );
  assert.deepEqual(
    [ended?.action, ended?.principal?.kind, ended?.principal?.name],
    ['reservation.released', 'service', 'berth'],
  );
  const atStart = (await toldEntries(world.bus)).filter(({ principal }) => principal?.kind === 'service');
  assert.deepEqual(actionsOf(atStart).slice(0, settingsChanges).sort(), [
    'pool.created ip-pools/default',
    'pool.created port-pools/default',
    'pool.created rule-pools/default',
  ]);
});

test('what is refused, rehearsed, repeated or changes nothing is no entry, also on two replicas at once', async (t) => {
  const world = await aWorld(t, 2);
  const pools = poolSide(world);
  const one = portPool('web', 40_000, 40_009);
  await pools.createPool({ ...one, validateOnly: true });
  await Promise.all(Array.from({ length: 8 }, () => pools.createPool(one, keyed('once'))));
  await assert.rejects(pools.createPool(one), { code: 'POOL_NAME_TAKEN' });
  await assert.rejects(pools.createPool(portPool('over', 40_005, 40_020)), { code: 'POOL_OVERLAP' });
  await assert.rejects(
    pools.drainPool({ name: 'port-pools/web' }, { principal: aPrincipal({ permissions: ['pools:read'] }) }),
    { code: 'PERMISSION_DENIED' },
  );
  await Promise.all(Array.from({ length: 8 }, () => pools.drainPool({ name: 'port-pools/web' })));
  await pools.updatePool({ pool: { name: 'port-pools/web', description: '' }, updateMask: { paths: ['description'] } });
  assert.deepEqual(actionsOf(await committed(world)), ['pool.created port-pools/web', 'pool.changed port-pools/web']);
});

test('a change whose entry cannot be kept is not made', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await world.query("ALTER TABLE outbox ADD CONSTRAINT no_entries CHECK (stream <> 'AUDIT') NOT VALID");
  await assert.rejects(pools.createPool(portPool('web', 40_000, 40_009)));
  await assert.rejects(pools.drainPool({ name: 'port-pools/default' }));
  await world.query('ALTER TABLE outbox DROP CONSTRAINT no_entries');
  await assert.rejects(pools.getPool({ name: 'port-pools/web' }), { code: 'POOL_NOT_FOUND' });
  assert.equal((await pools.getPool({ name: 'port-pools/default' })).state, PoolState.ACTIVE);
});

test('entries come again with the same ids when the stream was wiped', async (t) => {
  const world = await aWorld(t);
  await poolSide(world).createPool(portPool('web', 40_000, 40_009));
  const [entry] = await committed(world);
  const isThere = async () => (await toldEntries(world.bus)).some(({ id }) => id === entry?.id);
  await eventually(isThere);
  await eventually(async () => {
    const [row] = await world.query<{ open: number }>(
      "SELECT count(*)::int AS open FROM outbox WHERE stream = 'AUDIT' AND published_at IS NULL",
    );
    return row?.open === 0;
  });
  await world.bus.manager.streams.delete(streamName(world.bus, streams.audit));
  await eventually(isThere, { timeoutMs: 20_000 });
});

test('the template of forwards is told with what it was', async (t) => {
  const world = await aWorld(t);
  const principal = aPrincipal({ permissions: ['pools:write'] });
  const rdp = { name: 'rdp', internalPort: 3_389 };
  const set = () =>
    request(
      world.bus,
      VmService.method.setForwardTemplate,
      { context: world.context({ principal, ...asked }), forwards: [rdp] },
      { timeoutMs: 20_000 },
    );
  await set();
  await set(); // the same again
  const [changed, ...more] = await committed(world);
  assert.deepEqual(more, []);
  assert.deepEqual([changed?.action, changed?.resourceType], ['forward_template.changed', 'forward_template']);
  assert.deepEqual(changed?.after, {
    forwards: [{ name: 'rdp', protocol: 'tcp', sources: [], description: '', internal_port: 3_389 }],
    version: 2,
  });
  assert.match(changed?.beforeJson ?? '', /"name":"ssh".*"internal_port":22/);
});
