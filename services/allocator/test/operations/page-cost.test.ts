import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { Database } from '@berth/database';
import { postgresOperationList } from '../../src/adapters/postgres/operations/operation-list.ts';
import { postgresVmList } from '../../src/adapters/postgres/vms/vm-list.ts';
import { makeWorld, type World } from '../support/world.ts';

const many = 5_000;
const size = 20;

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** How many rows the scans below a node looked at. */
function looked(node: PlanNode): number {
  const below = (node.Plans ?? []).reduce((sum, one) => sum + looked(one), 0);
  if (!/Scan/.test(node['Node Type']) || /Function|Subquery/.test(node['Node Type'])) return below;
  return below + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}

/** The database, whose every statement is explained instead; `rows`: how many it looked at, in all. */
function explaining({ database }: World): { readonly database: Database; rows: () => number } {
  let rows = 0;
  const query = async (text: string, values: readonly unknown[]) => {
    const [row] = await database.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      values as unknown[],
    );
    rows += looked(row?.['QUERY PLAN'][0].Plan ?? assert.fail('no plan'));
    return [];
  };
  return { database: { query } as unknown as Database, rows: () => rows };
}

/** `many` copies of the rows of others, and a few of each of two groups, all of one VM and one operation. */
async function crowdedWorld(t: Parameters<typeof makeWorld>[0]): Promise<World> {
  const world = await makeWorld(t);
  await world.provisioned({ vmName: 'first' });
  for (const [group, count] of [
    ['mine', 3],
    ['theirs', many],
    ['ours', 3],
  ] as const) {
    await world.query(
      `INSERT INTO operations OVERRIDING SYSTEM VALUE SELECT copy.*
       FROM (SELECT * FROM operations ORDER BY seq LIMIT 1) one CROSS JOIN generate_series(1, $2::int) n
       CROSS JOIN LATERAL jsonb_populate_record(NULL::operations, to_jsonb(one) || jsonb_build_object('id', gen_random_uuid(),
         'seq', (SELECT max(seq) FROM operations) + n, 'owner_group', $1::text, 'principal_id', $1::text, 'user_id', $1::text)) copy`,
      [group, count],
    );
    await world.query(
      `INSERT INTO vms OVERRIDING SYSTEM VALUE SELECT copy.*
       FROM (SELECT * FROM vms WHERE name = 'first') one CROSS JOIN generate_series(1, $2::int) n
       CROSS JOIN LATERAL jsonb_populate_record(NULL::vms, to_jsonb(one) || jsonb_build_object('id', gen_random_uuid(),
         'name', $1::text || n, 'hostname', $1::text || n, 'owner_group', $1::text)) copy`,
      [group, count],
    );
  }
  await world.query('ANALYZE operations');
  await world.query('ANALYZE vms');
  return world;
}

test('a page of somebody’s operations and VMs costs the same however many others have', async (t) => {
  const world = await crowdedWorld(t);
  const groups = ['mine', 'ours'];
  const operations = explaining(world);
  const filter = { states: [], kinds: [], machineId: '', since: undefined };
  for (const visibleTo of ['all', { groups, principalId: randomUUID(), userId: 'ann' }] as const)
    await postgresOperationList(operations.database).page({ filter, visibleTo, before: undefined, size });
  assert.ok(operations.rows() > 0 && operations.rows() <= 10 * size, `${operations.rows()} operations looked at`);

  const vms = explaining(world);
  const all = {
    ...{ ownerGroup: '', withoutGroup: false, router: '', pool: '', address: '', externalPort: 0 },
    ...{ states: [], text: '', macAddress: '' },
  };
  const page = { filter: all, addresses: undefined, order: 'name', descending: false, after: undefined, size } as const;
  for (const visibleTo of ['all', groups] as const) await postgresVmList(vms.database).page({ ...page, visibleTo });
  assert.ok(vms.rows() > 0 && vms.rows() <= 10 * size, `${vms.rows()} VMs looked at`);
});
