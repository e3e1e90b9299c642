import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PortProtocol } from '@berth/contracts';
import { eventually } from '@berth/testing';
import { profile } from '../support/driver-side.ts';
import { assertBooksBalance, type PoolSide, poolSide, portPool, smallPools } from '../support/pool-side.ts';
import { makeWorld, type World } from '../support/world.ts';

const aWorld = (t: TestContext) => makeWorld(t, { config: { pools: smallPools } });

const settings = 'port-pools/default';
const reservedIn = async (pools: PoolSide, pool: string) =>
  (await pools.listAllocations({ pool })).allocations.map(({ first, reservationId }) => [first, reservationId]);
const poolOf = async (world: World, id: string) =>
  (
    await world.query<{ name: string }>(
      'SELECT name FROM pools WHERE id = (SELECT pool_id FROM reservations WHERE id = $1)',
      [id],
    )
  )[0]?.name;

/** The router’s address becomes the one that the pool `a` is on: of values that both have, the older pool keeps them. */
async function moveTo(world: World, externalIp: string): Promise<void> {
  await world.driver.report({ profile: { ...profile, externalIp } });
  await world.routerReady();
}

const elsewhere = (last: number) => ({
  pool: {
    name: 'port-pools/a',
    values: { case: 'port' as const, value: { ranges: [{ first: 40_000, last }], externalIp: '203.0.113.9' } },
  },
});

test('a reservation is of the pool that has its values by a report', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('b', 40_000, 40_001));
  await pools.createPool(elsewhere(40_003));
  const { id } = await pools.reserve({ pool: 'port-pools/a', first: '40000', protocols: [PortProtocol.TCP] });
  await moveTo(world, '203.0.113.9');
  assert.equal(await poolOf(world, id), 'b');
  assert.deepEqual(await reservedIn(pools, 'port-pools/b'), [['40000', id]]);
  await pools.deletePool({ name: 'port-pools/a' });
  await assert.rejects(pools.deletePool({ name: 'port-pools/b' }), { code: 'POOL_IN_USE' });
  await pools.release({ reservationId: id });
  await pools.deletePool({ name: 'port-pools/b' });
  await assertBooksBalance(world);
});

test('a reservation whose values come to be of several pools stays where it is', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(portPool('b', 40_000, 40_001));
  await pools.createPool(elsewhere(40_003));
  const { id } = await pools.reserve({ pool: 'port-pools/a', first: '40000', last: '40003' });
  await moveTo(world, '203.0.113.9');
  assert.equal(await poolOf(world, id), 'a');
  await assert.rejects(pools.deletePool({ name: 'port-pools/a' }), { code: 'POOL_IN_USE' });
});

test('a pool whose reservation was left behind at the router’s former address is in use until that is released', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const { id } = await pools.reserve({ pool: settings });
  await world.driver.report({ profile: { ...profile, externalIp: '203.0.113.9' } });
  await world.routerReady();
  await assert.rejects(pools.deletePool({ name: settings }), {
    code: 'POOL_IN_USE',
    message: `The pool is in use: 2 values are held, for example 32000 (reservation ${id}), 32000 (reservation ${id}).`,
  });
  await pools.release({ reservationId: id });
  await pools.deletePool({ name: settings });
});

test('two pools that come to overlap by a router’s report are in nobody’s way but their own', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  await pools.createPool(elsewhere(40_001));
  await pools.createPool(portPool('b', 40_000, 40_003));
  await pools.createPool(portPool('c', 50_000, 50_001));
  await world.driver.report({ profile: { ...profile, externalIp: '203.0.113.9' } });
  await world.routerReady();
  const b = await pools.getPool({ name: 'port-pools/b' });
  assert.deepEqual([b.use?.size, b.warnings[0]?.code], [4n, 'POOL_GAVE_WAY']);
  await pools.deletePool({ name: 'port-pools/c' });
  await pools.createPool(portPool('d', 51_000, 51_001));
  await pools.updatePool({ pool: { name: 'port-pools/b', description: 'its values stay' } });
  for (const change of [elsewhere(40_000), portPool('b', 40_000, 40_004), portPool('b', 39_999, 40_001)]) {
    await assert.rejects(pools.updatePool(change), {
      code: 'POOL_OVERLAP',
      message: 'port-pools/a and port-pools/b have values in common.',
    });
  }
  await pools.updatePool(portPool('b', 40_002, 40_004));
  assert.deepEqual((await pools.getPool({ name: 'port-pools/b' })).warnings, []);
  await pools.updatePool(elsewhere(40_000));
  await assertBooksBalance(world);
});

test('a pool of tcp ports takes none under udp from the settings’ pool', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const before = await pools.getPool({ name: settings });
  const protocols = [PortProtocol.TCP];
  const values = { case: 'port' as const, value: { ranges: [{ first: 32_000, last: 32_001 }], protocols } };
  await pools.createPool({ pool: { name: 'port-pools/mine', values } });
  const after = await pools.getPool({ name: settings });
  assert.deepEqual([after.version, after.values], [before.version, before.values]);
  assert.equal(after.use?.size, (before.use?.size ?? 0n) - 2n);
  assert.deepEqual(
    after.warnings.map(({ code, message }) => [code, message]),
    [['POOL_GAVE_WAY', 'Other pools have 32000-32001 (tcp): not handed out from this one.']],
  );
  await pools.reserve({ pool: settings, first: '32000', protocols: [PortProtocol.UDP] });
  const tcp = await pools.reserve({ pool: settings, protocols });
  assert.equal(tcp.first, '32002');
  await assertBooksBalance(world);
});

test('external addresses that are no longer the router’s are forgotten when nothing is held of them', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const { id } = await pools.reserve({ pool: settings });
  const addresses = async () =>
    (
      await world.query<{ ip: string }>(
        "SELECT DISTINCT external_ip AS ip FROM spaces WHERE external_ip <> '' ORDER BY 1",
      )
    ).map(({ ip }) => ip);
  const moveTo = async (externalIp: string) => {
    await world.driver.report({ profile: { ...profile, externalIp } });
    await world.routerReady();
    await eventually(
      async () =>
        (await world.query("SELECT FROM routers WHERE site ->> 'externalIp' = $1", [externalIp])).length === 1,
    );
  };
  await moveTo('203.0.113.3');
  const { vmId } = await world.provisioned({ vmName: 'vm', noForwards: true });
  await moveTo('203.0.113.4');
  await moveTo('203.0.113.5');
  assert.deepEqual(await addresses(), ['203.0.113.2', '203.0.113.3', '203.0.113.5'], 'one has a reservation, one a VM');
  await pools.release({ reservationId: id });
  await world.driver.settle((await world.decommission('vm')).vmId, { applied: true, revision: 2n });
  await eventually(
    async () => (await world.query("SELECT FROM vms WHERE id = $1 AND state = 'removed'", [vmId])).length === 1,
  );
  await moveTo('203.0.113.6');
  assert.deepEqual(await addresses(), ['203.0.113.6']);
  await moveTo('203.0.113.2');
  assert.equal((await pools.reserve({ pool: settings })).first, '32000');
  await assertBooksBalance(world);
});
