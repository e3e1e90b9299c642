import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { PoolChangedSchema, PoolChangeKind, PortProtocol } from '@berth/contracts';
import { listen } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { allPoolLevels, samplePools } from '../../src/adapters/postgres/pools/pool-levels.ts';
import { passThresholds } from '../../src/app/pools/pass-thresholds.ts';
import { poolReplica, poolSide, portPool, smallPools } from '../support/pool-side.ts';
import { makeWorld, type World } from '../support/world.ts';

const aWorld = (t: TestContext, replicas = 1): Promise<World> =>
  makeWorld(t, { replicas, config: { pools: smallPools } });

test('a threshold that is passed is told once, by whichever replica, and again only after use has fallen clearly below', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const { ledger } = await poolReplica(t, world);
  const reached: number[] = [];
  listen(world.bus, 'events.pool.changed.port-pools.x', PoolChangedSchema, ({ change }) => {
    if (change?.change === PoolChangeKind.THRESHOLD) reached.push(change.thresholdReached);
  });
  const tcp = [PortProtocol.TCP];
  await pools.createPool({
    pool: {
      name: 'port-pools/x',
      values: { case: 'port', value: { ranges: [{ first: 40_000, last: 40_099 }], protocols: tcp } },
    },
  });
  const levels = { all: () => allPoolLevels(world.database) };
  const look = () => Promise.all([1, 2, 3].map(() => passThresholds(ledger, levels)));
  const noted = async () =>
    (await world.query<{ threshold_reached: number }>("SELECT threshold_reached FROM pools WHERE name = 'x'"))[0]
      ?.threshold_reached;
  const reserve = (count: number) => pools.reserve({ pool: 'port-pools/x', count });
  const most = await reserve(79);
  await look();
  assert.equal(await noted(), 0);
  const one = await reserve(1);
  await look();
  assert.equal(await noted(), 0.8);
  assert.deepEqual(
    (await pools.getPool({ name: 'port-pools/x' })).warnings.map(({ code }) => code),
    ['POOL_NEARLY_FULL'],
  );
  await pools.release({ reservationId: one.id });
  await look();
  assert.equal(await noted(), 0.8); // 79 %: it may just as well come back
  await reserve(18);
  await look();
  assert.equal(await noted(), 0.95);
  await pools.release({ reservationId: most.id });
  await look();
  assert.equal(await noted(), 0);
  await eventually(() => reached.length === 3);
  assert.deepEqual(reached, [0.8, 0.95, 0]);
  const told = await world.query("SELECT FROM outbox WHERE subject = 'events.pool.changed.port-pools.x'");
  assert.equal(told.length, 1 + 3 + 2 + 3); // made, reserved, released, thresholds
});

test('a pool whose tcp ports are used up is used up, however many udp ports are free', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const { ledger } = await poolReplica(t, world);
  await pools.createPool(portPool('both', 40_000, 40_009));
  await pools.reserve({ pool: 'port-pools/both', count: 10, protocols: [PortProtocol.TCP] });
  const { use } = await pools.getPool({ name: 'port-pools/both' });
  assert.deepEqual([use?.size, use?.free, use?.used], [20n, 10n, 1]);
  await passThresholds(ledger, { all: () => allPoolLevels(world.database) });
  assert.equal((await pools.getPool({ name: 'port-pools/both' })).use?.thresholdReached, 0.95);
});

test('how much is used is noted once a minute for each pool, and the old is dropped', async (t) => {
  const world = await aWorld(t);
  const { database } = world;
  const pools = poolSide(world);
  await pools.reserve({ pool: 'ip-pools/default', count: 4 });
  await world.query('DELETE FROM pool_samples');
  await world.query("INSERT INTO pool_samples SELECT id, now() - interval '8 days', 1 FROM pools");
  await Promise.all([1, 2, 3, 4].map(() => samplePools(database)));
  const samples = await world.query(
    `SELECT p.kind, s.used::int FROM pool_samples s JOIN pools p ON p.id = s.pool_id
     WHERE s.at = (SELECT max(at) FROM pool_samples) ORDER BY 1`,
  );
  assert.deepEqual(samples, [
    { kind: 'ip-pools', used: 4 },
    { kind: 'port-pools', used: 0 },
    { kind: 'rule-pools', used: 0 },
  ]);
  assert.deepEqual(await world.query("SELECT FROM pool_samples WHERE at < now() - interval '7 days'"), []);
});

test('how much an hour takes, and when a pool is used up, follows from the last hours', async (t) => {
  const world = await aWorld(t);
  const pools = poolSide(world);
  const name = 'ip-pools/default';
  const fresh = await pools.getPool({ name });
  assert.deepEqual([fresh.use?.takenPerHour, fresh.use?.exhaustedAt], [undefined, undefined]);
  const history = (used: string) =>
    world.query(
      `INSERT INTO pool_samples (pool_id, at, used) SELECT p.id, now() - make_interval(mins => m), ${used}
       FROM pools p, generate_series(0, 239) m WHERE p.kind = 'ip-pools' ON CONFLICT (pool_id, at) DO UPDATE SET used = excluded.used`,
    );
  // 6 an hour, and a burst that was given back.
  await history('24 - m / 10 + CASE WHEN m BETWEEN 60 AND 80 THEN 30 ELSE 0 END');
  const { use } = await pools.getPool({ name });
  assert.ok(Math.abs((use?.takenPerHour ?? 0) - 6) < 0.7, String(use?.takenPerHour));
  const hours = use?.exhaustedAt ? (timestampDate(use.exhaustedAt).getTime() - Date.now()) / 3_600_000 : 0;
  assert.ok(Math.abs(hours - 64 / (use?.takenPerHour ?? 1)) < 0.1, String(hours));
  await world.query('DELETE FROM pool_samples');
  await history('20 + m / 10');
  const falling = (await pools.getPool({ name })).use;
  assert.ok((falling?.takenPerHour ?? 0) < -5, String(falling?.takenPerHour));
  assert.equal(falling?.exhaustedAt, undefined);
});

test('the metrics tell how much of each pool is in whose hands', async (t) => {
  const world = await makeWorld(t, { replicas: 0, routerKnown: false, config: { pools: smallPools } });
  const replica = await world.startReplica();
  await world.driver.report({});
  await world.routerReady();
  const pools = poolSide(world);
  await pools.createPool(portPool('x', 40_000, 40_009));
  await pools.reserve({ pool: 'port-pools/x', count: 3 });
  await world.provision({ vmName: 'vm', portPool: 'port-pools/x' });
  const text = await replica.metrics.metrics();
  for (const line of ['size', 'reserved', 'held', 'quarantined', 'foreign']) {
    const expected = { size: 20, reserved: 6, held: 3, quarantined: 0, foreign: 0 }[line];
    assert.ok(text.includes(`berth_pool_${line}{router="default",kind="port-pools",pool="x"} ${expected}`), line);
  }
});
