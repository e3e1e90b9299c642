import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import { readPoolDirectory } from '../../src/adapters/postgres/pools/read-pool-directory.ts';
import { lockRouters } from '../../src/adapters/postgres/router-rows.ts';
import { type Asker, reserveValues } from '../../src/adapters/postgres/values/reserve-values.ts';
import { SpaceCatalogue } from '../../src/adapters/postgres/values/space-catalogue.ts';
import { rebuildSpans } from '../../src/adapters/postgres/values/span-store.ts';
import type { Demand, PortDemand } from '../../src/domain/values/choose-values.ts';
import { placeVm } from '../../src/domain/vms/place-vm.ts';
import { profile } from '../support/driver-side.ts';
import { addPool, addresses, numbersOutOfStep } from '../support/with-pools.ts';
import { makeWorld, type World } from '../support/world.ts';

const pools = {
  addressRange: addresses('10.0.0.100-10.0.0.200'),
  portRange: { first: 32_000, last: 32_063 },
  ruleRange: { first: 10_000, last: 10_199 },
};
const noDemand: Demand = { address: undefined, ports: [], rules: [] };
const aPort: PortDemand = { slot: 'a', protocol: 'tcp', count: 1, exact: 0, within: undefined };

interface Wish {
  readonly demand: Partial<Demand>;
  readonly group?: string;
}

/** Reserves for VMs of these groups, and counts the statements. */
async function reserve(world: World, wishes: readonly Wish[]) {
  let statements = 0;
  const chosen = await world.database.transaction(async (sql) => {
    const counting: Sql = {
      query(text, values) {
        statements++;
        return sql.query(text, values);
      },
      execute(text, values) {
        statements++;
        return sql.execute(text, values);
      },
    };
    const router = (await lockRouters(sql, ['default'])).get('default');
    if (router === undefined) throw new Error('there is no router');
    const directory = await readPoolDirectory(sql, ['default']);
    const asked: Asker[] = wishes.map(({ demand, group = '' }) => ({
      holder: { vmId: randomUUID(), vmName: randomUUID(), ownerGroup: group },
      demand: { ...noDemand, ...demand },
      sources: placeVm(router, directory, { addressRange: undefined, pools: { ip: '', port: '', rule: '' } }, group)
        .sources,
    }));
    return reserveValues(counting, await SpaceCatalogue.read(sql, ['default']), asked);
  });
  return { chosen, statements };
}

async function portOf(world: World, port: Partial<PortDemand>): Promise<number | string | undefined> {
  const { chosen } = await reserve(world, [{ demand: { ports: [{ ...aPort, ...port }] } }]);
  return chosen[0] instanceof DomainError ? chosen[0].code : chosen[0]?.ports.get('a');
}

test('runs of ports are neighbours, for two protocols the same ones, each held by one row', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  assert.equal(await portOf(world, { count: 4 }), 32_000);
  assert.equal(await portOf(world, { count: 10, protocol: 'tcp_udp' }), 32_004);
  assert.equal(await portOf(world, { exact: 32_020, count: 5 }), 32_020);
  assert.equal(await portOf(world, { exact: 32_024, count: 2 }), 'EXTERNAL_PORT_TAKEN');
  assert.equal(await portOf(world, { exact: 32_062, count: 3 }), 'EXTERNAL_PORT_TAKEN'); // its last port is of no pool
  assert.equal(await portOf(world, { count: 3, within: { first: 32_012, last: 32_030 } }), 32_014);
  assert.equal(await portOf(world, { count: 3, within: { first: 32_017, last: 32_021 } }), 32_017);
  assert.equal(await portOf(world, { count: 8 }), 32_025);
  assert.equal(await portOf(world, { count: 65 }), 'PORT_POOL_EXHAUSTED');
  const held = await world.query<{ held: string }>(
    `SELECT s.kind, a.held::text FROM allocations a JOIN spaces s ON s.id = a.space_id WHERE s.kind IN ('tcp', 'udp') ORDER BY 1, lower(held)`,
  );
  assert.deepEqual(
    held.map(({ held }) => held),
    [
      '[32000,32004)',
      '[32004,32014)',
      '[32014,32017)',
      '[32017,32020)',
      '[32020,32025)',
      '[32025,32033)',
      '[32004,32014)',
    ],
  );
  assert.deepEqual(await numbersOutOfStep(world), []);
});

test('rule numbers come as a block and singly, each under its slot', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const rules = [
    { slot: '', count: 3 },
    { slot: 'ssh', count: 4 },
  ];
  const { chosen } = await reserve(world, [{ demand: { rules } }, { demand: { rules } }]);
  assert.deepEqual(
    chosen.map((one) => (one instanceof DomainError ? one : [...one.rules])),
    [
      [
        ['', { first: 10_000, last: 10_002 }],
        ['ssh', { first: 10_003, last: 10_006 }],
      ],
      [
        ['', { first: 10_007, last: 10_009 }],
        ['ssh', { first: 10_010, last: 10_013 }],
      ],
    ],
  );
});

test('many who ask of many pools at once need no more statements than one', async (t) => {
  const world = await makeWorld(t, { config: { pools } });
  const groups = Array.from({ length: 10 }, (_, index) => `group-${index}`);
  for (const [index, name] of groups.entries()) {
    const range = `10.0.${index + 1}.1-10.0.${index + 1}.20`;
    await addPool(world, { kind: 'ip-pools', name, defaultFor: [name], ranges: [addresses(range)] });
  }
  const demand = { address: { within: undefined }, ports: [aPort], rules: [{ slot: '', count: 3 }] };
  const one = await reserve(world, [{ demand, group: 'group-0' }]);
  const many = await reserve(
    world,
    Array.from({ length: 50 }, (_, index) => ({ demand, group: `group-${index % 10}` })),
  );
  assert.equal(many.statements, one.statements);
  assert.ok(many.chosen.every((chosen) => !(chosen instanceof DomainError)));
  assert.deepEqual(await numbersOutOfStep(world), []);
});

test('in a full and fragmented /8 nothing is read but the index', async (t) => {
  const world = await makeWorld(t, {
    config: { pools: { ...pools, addressRange: undefined } },
    routerKnown: false,
  });
  await world.driver.report({ profile: { ...profile, dhcpSubnet: '10.0.0.0/8' } });
  await world.routerReady();
  await world.query(
    `INSERT INTO allocations (space_id, held, kind, reservation_id)
     SELECT s.id, int8range(n, n + 1), 'reserved', gen_random_uuid() FROM spaces s, generate_series(174325760, 174325760 + 40000, 2) n
     WHERE s.kind = 'address'`,
  );
  const spaces = await world.query<{ id: number }>("SELECT id FROM spaces WHERE kind = 'address'");
  await world.database.transaction((sql) =>
    rebuildSpans(
      sql,
      spaces.map(({ id }) => id),
    ),
  );
  await world.query('ANALYZE free_spans');
  await world.query('ANALYZE allocations');
  const scans = await world.database.transaction(async (sql) => {
    const read = async () =>
      (
        await sql.query<{ relname: string; scans: string; read: string }>(
          `SELECT relname, pg_stat_get_xact_numscans(relid) AS scans, pg_stat_get_xact_tuples_returned(relid) AS read
           FROM pg_stat_user_tables WHERE relname IN ('free_spans', 'allocations') ORDER BY 1`,
        )
      ).map((row) => Number(row.read));
    const router = (await lockRouters(sql, ['default'])).get('default');
    if (router === undefined) throw new Error('there is no router');
    const directory = await readPoolDirectory(sql, ['default']);
    const wish = { addressRange: undefined, pools: { ip: '', port: '', rule: '' } };
    const { sources } = placeVm(router, directory, wish, '');
    const asked: Asker[] = Array.from({ length: 20 }, () => ({
      holder: { vmId: randomUUID(), vmName: randomUUID(), ownerGroup: '' },
      demand: {
        address: { within: addresses('10.100.0.100-10.100.100.100') },
        ports: [aPort],
        rules: [{ slot: '', count: 3 }],
      },
      sources,
    }));
    const chosen = await reserveValues(sql, await SpaceCatalogue.read(sql, ['default']), asked);
    assert.ok(chosen.every((one) => !(one instanceof DomainError)));
    return read();
  });
  // Tuples that sequential scans returned: of 20,000 rows each.
  for (const tuples of scans) assert.ok(tuples < 1_000, `${tuples} rows were scanned`);
});
