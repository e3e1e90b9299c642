import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { lockRouters } from '../../src/adapters/postgres/router-rows.ts';
import { assertBooksBalance, poolSide, smallPools } from '../support/pool-side.ts';
import { changePools } from '../support/with-pools.ts';
import { makeWorld, type World } from '../support/world.ts';

interface Span {
  readonly first: number;
  readonly last: number;
}

/** So many ranges of two numbers from `from` on, with a gap behind each. */
const ranges = (count: number, from: number): Span[] =>
  Array.from({ length: count }, (_, index) => ({ first: from + 4 * index, last: from + 4 * index + 1 }));

const rulePool = (id: string, spans: readonly Span[]) => ({
  pool: { name: `rule-pools/${id}`, values: { case: 'rule' as const, value: { ranges: [...spans] } } },
});

const updated = (id: string, spans: readonly Span[]) => ({
  ...rulePool(id, spans),
  updateMask: { paths: ['rule.ranges'] },
});

/** Every stored range and free span of pools made by hand, with where its row is: it gets another place when it is written. */
async function rowsOf(world: World): Promise<Map<string, string>> {
  const rows = await world.query<{ name: string; place: string }>(
    `SELECT p.name || ' ' || d.name AS name, d.place FROM (
       SELECT segment_id, 'range ' || span AS name, concat(ctid, ' ', xmin) AS place FROM segment_ranges
       UNION ALL SELECT segment_id, concat('free ', first, '-', last), concat(ctid, ' ', xmin) FROM free_spans
     ) d JOIN segments g ON g.id = d.segment_id JOIN pools p ON p.id = g.pool_id WHERE NOT p.from_settings`,
  );
  return new Map(rows.map(({ name, place }) => [name, place]));
}

/** The rows that `work` wrote or removed. */
async function written(world: World, work: () => Promise<unknown>): Promise<string[]> {
  const before = await rowsOf(world);
  await work();
  const after = await rowsOf(world);
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => before.get(name) !== after.get(name))
    .sort((a, b) => a.localeCompare(b));
}

test('a change of a pool writes ranges that come and go, and no free span of another pool', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const pools = poolSide(world);
  const many = ranges(50, 20_000);
  await pools.createPool(rulePool('many', many));
  await pools.createPool(rulePool('small', [{ first: 30_000, last: 30_009 }]));
  await pools.reserve({ pool: 'rule-pools/many', first: '20001' });
  await pools.reserve({ pool: 'rule-pools/small', first: '30004' });

  const other = await written(world, () => pools.createPool(rulePool('other', [{ first: 40_000, last: 40_000 }])));
  assert.deepEqual(other, ['other free 40000-40000', 'other range [40000,40001)']);
  const grown = await written(world, () => pools.updatePool(updated('small', [{ first: 30_000, last: 30_011 }])));
  assert.deepEqual(grown, [
    ...['small free 30000-30003', 'small free 30005-30009', 'small free 30005-30011'],
    ...['small range [30000,30010)', 'small range [30000,30012)'],
  ]);
  const cut = await written(world, () =>
    pools.updatePool(updated('many', [...many.slice(0, -1), ...ranges(1, 25_000)])),
  );
  assert.deepEqual(
    cut.filter((name) => name.includes('range')),
    ['many range [20196,20198)', 'many range [25000,25002)'],
  );
  assert.deepEqual(await written(world, () => pools.deletePool({ name: 'rule-pools/other' })), other);
  await assertBooksBalance(world);
});

test('pools exchange ranges at once', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const pools = poolSide(world);
  await pools.createPool(rulePool('a', ranges(3, 20_000)));
  await pools.createPool(rulePool('b', ranges(3, 21_000)));
  await pools.reserve({ pool: 'rule-pools/a', first: '20001' });
  await changePools(world, (query) =>
    query(
      `UPDATE pools p SET spec = o.spec FROM pools o
       WHERE p.kind = 'rule-pools' AND o.kind = p.kind AND (p.name, o.name) IN (('a', 'b'), ('b', 'a'))`,
    ),
  );
  const rows = [...(await rowsOf(world)).keys()];
  assert.equal(rows.filter((name) => name.startsWith('b range [200')).length, 3);
  assert.equal(rows.filter((name) => name.startsWith('a range [210')).length, 3);
  await assertBooksBalance(world);
});

test('who changes pools waits for the router no longer than until the deadline', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const pools = poolSide(world);
  const soon = () => ({ deadline: timestampFromMs(Date.now() + 500) });
  await world.database.transaction(async (sql) => {
    await lockRouters(sql, ['default']);
    const late = { kind: 'unavailable', code: 'DEADLINE_PASSED' };
    await assert.rejects(pools.createPool(rulePool('late', ranges(1, 20_000)), soon()), late);
    await assert.rejects(
      pools.createPool({ ...rulePool('late', ranges(1, 20_000)), validateOnly: true }, soon()),
      late,
    );
  });
  await assert.rejects(pools.getPool({ name: 'rule-pools/late' }), { code: 'POOL_NOT_FOUND' });
  await pools.createPool(rulePool('late', ranges(1, 20_000)));
});

test('the pools of a router together have so many ranges and no more', async (t) => {
  const world = await makeWorld(t, { config: { pools: smallPools } });
  const pools = poolSide(world);
  const spec = { kind: 'rule-pools', ranges: ranges(50_000, 100_000), exclusions: [] };
  await world.query("INSERT INTO pools (kind, name, router, spec) VALUES ('rule-pools', 'huge', 'default', $1)", [
    JSON.stringify(spec),
  ]);
  await assert.rejects(pools.createPool(rulePool('small', ranges(1, 20_000))), {
    kind: 'conflict',
    code: 'POOL_RANGES_TOO_MANY',
  });
  await pools.updatePool(updated('huge', ranges(100, 100_000)));
  await pools.createPool(rulePool('small', ranges(1, 20_000)));
});
