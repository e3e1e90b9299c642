import type { Sql } from '@berth/database';
import type { PlanBook, Takings } from '../../../app/plans/plan-ports.ts';
import { deriveForeign } from '../values/foreign-store.ts';
import { type FreedRange, freeRanges, partsOf } from '../values/free-ranges.ts';
import { loadSpans, storeSpans } from '../values/span-store.ts';
import { SpansOutOfStep } from '../values/spans-out-of-step.ts';

/** What VMs hold at a moment of a transaction. */
export interface Held {
  readonly values: readonly (Takings['values'][number] & { readonly id: string })[];
  readonly claims: Takings['claims'];
}

/** All that these VMs hold now. */
export async function heldBy(sql: Sql, vmIds: readonly string[]): Promise<Held> {
  const rows = await sql.query<{
    id: string;
    space_id: number;
    first: number;
    last: number;
    slot: string;
    vm_id: string;
  }>(
    `SELECT id, space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last, slot, vm_id
     FROM allocations WHERE kind = 'vm' AND vm_id = ANY($1) ORDER BY id`,
    [vmIds],
  );
  const claims = await sql.query<{ kind: string; scope: string; value: string; vm_id: string }>(
    'SELECT kind, scope, value, vm_id FROM claims WHERE vm_id = ANY($1) ORDER BY 1, 2, 3',
    [vmIds],
  );
  return {
    values: rows.map(({ space_id: spaceId, vm_id: vmId, ...row }) => ({ ...row, spaceId, vmId, quarantineId: null })),
    claims: claims.map(({ vm_id: vmId, ...claim }) => ({ ...claim, vmId })),
  };
}

/** What of `after` these VMs do not hold now, since what gave it to them was taken back. */
export async function takingsOf(sql: Sql, after: Held): Promise<Takings> {
  const ids = after.values.map(({ id }) => id);
  const rows = await sql.query<{ id: string; kind: string }>('SELECT id, kind FROM allocations WHERE id = ANY($1)', [
    ids,
  ]);
  const kinds = new Map(rows.map(({ id, kind }) => [id, kind]));
  const values = after.values
    .filter(({ id }) => kinds.get(id) !== 'vm')
    .map(({ id, ...value }) => ({ ...value, quarantineId: kinds.has(id) ? id : null }));
  const keyOf = (claim: Takings['claims'][number]) => JSON.stringify([claim.kind, claim.scope, claim.value]);
  const before = new Set(
    (
      await heldBy(
        sql,
        after.claims.map(({ vmId }) => vmId),
      )
    ).claims.map(keyOf),
  );
  return { values, claims: after.claims.filter((claim) => !before.has(keyOf(claim))) };
}

/** Holds for a plan what its trial took. `names`: of the VMs that it is for. */
export async function holdTakings(
  sql: Sql,
  planId: string,
  { values, claims }: Takings,
  names: ReadonlyMap<string, { readonly vmName: string; readonly ownerGroup: string }>,
): Promise<void> {
  await holdFree(
    sql,
    planId,
    values.filter(({ quarantineId }) => quarantineId === null),
    names,
  );
  await holdResting(
    sql,
    planId,
    values.filter(({ quarantineId }) => quarantineId !== null),
    names,
  );
  await sql.execute(
    `INSERT INTO claims (kind, scope, value, vm_id, plan_id)
     SELECT *, $5::uuid FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) ON CONFLICT DO NOTHING`,
    [
      ...[claims.map(({ kind }) => kind), claims.map(({ scope }) => scope), claims.map(({ value }) => value)],
      ...[claims.map(({ vmId }) => vmId), planId],
    ],
  );
}

type Names = Parameters<typeof holdTakings>[3];

const columnsOf = (values: Takings['values'], names: Names) => [
  values.map(({ vmId }) => vmId),
  values.map(({ slot }) => slot),
  values.map(({ vmId }) => names.get(vmId)?.ownerGroup ?? ''),
  values.map(({ vmId }) => (names.get(vmId)?.vmName ?? '').toLowerCase()),
];

async function holdFree(sql: Sql, planId: string, values: Takings['values'], names: Names): Promise<void> {
  if (values.length === 0) return;
  const spaceIds = [...new Set(values.map(({ spaceId }) => spaceId))];
  const stored = await sql.execute(
    `INSERT INTO allocations (space_id, held, kind, vm_id, slot, former_group, former_name, plan_id)
     SELECT space_id, int8range(first, last, '[]'), 'planned', vm_id, slot, former_group, former_name, $8
     FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::text[])
       AS v (space_id, first, last, vm_id, slot, former_group, former_name) ON CONFLICT DO NOTHING`,
    [
      ...[values.map(({ spaceId }) => spaceId), values.map(({ first }) => first), values.map(({ last }) => last)],
      ...columnsOf(values, names),
      planId,
    ],
  );
  if (stored < values.length) throw new SpansOutOfStep(spaceIds);
  const parts = await partsOf(
    sql,
    values.map(({ spaceId, first, last }) => ({ space_id: spaceId, first, last })),
  );
  const spans = await loadSpans(
    sql,
    parts.map(({ segmentId, part }) => ({ segmentId, within: { first: part.first, last: part.first }, most: 1 })),
  );
  if (parts.some(({ segmentId, part }) => !spans.get(segmentId)?.take(part))) throw new SpansOutOfStep(spaceIds);
  await storeSpans(sql, spans);
}

async function holdResting(sql: Sql, planId: string, values: Takings['values'], names: Names): Promise<void> {
  if (values.length === 0) return;
  await sql.execute(
    `UPDATE allocations a SET kind = 'planned', rests_until = a.until, until = NULL, plan_id = $6,
       vm_id = v.vm_id, slot = v.slot, former_group = v.former_group, former_name = v.former_name
     FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[]) AS v (id, vm_id, slot, former_group, former_name)
     WHERE a.id = v.id AND a.kind = 'quarantine'`,
    [values.map(({ quarantineId }) => quarantineId), ...columnsOf(values, names), planId],
  );
}

/**
 * What a plan holds is to be had by the VMs that it is for, as values are that rest: nobody else can have them, and those VMs get these before
 * all others.
 */
export const handHoldsOver: (sql: Sql) => PlanBook['handOver'] = (sql) => async (planId) => {
  await sql.execute(
    `UPDATE allocations SET kind = 'quarantine', until = coalesce(rests_until, clock_timestamp()), rests_until = NULL, plan_id = NULL
     WHERE plan_id = $1`,
    [planId],
  );
  await sql.execute('UPDATE claims SET plan_id = NULL WHERE plan_id = $1', [planId]);
};

/** Gives back what plans hold. What rested before rests on until its end. */
export async function releaseHolds(sql: Sql, planIds: readonly string[]): Promise<void> {
  await sql.execute(
    `UPDATE allocations SET kind = 'quarantine', until = rests_until, rests_until = NULL, plan_id = NULL
     WHERE plan_id = ANY($1) AND rests_until > clock_timestamp()`,
    [planIds],
  );
  const freed = await sql.query<FreedRange>(
    `DELETE FROM allocations WHERE plan_id = ANY($1)
     RETURNING space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last`,
    [planIds],
  );
  await freeRanges(sql, freed);
  await leaveToOtherPlans(sql, planIds);
  await sql.execute('DELETE FROM claims WHERE plan_id = ANY($1)', [planIds]);
  // What others hold on the router too is theirs from now on.
  const doubled = await sql.query<{ router: string }>(
    `SELECT DISTINCT router FROM foreign_holdings WHERE conflict
       AND router IN (SELECT unnest(routers) FROM plans WHERE id = ANY($1))`,
    [planIds],
  );
  for (const { router } of doubled) await deriveForeign(sql, router);
}

/** The fields of a planned VM that hold what is claimed. */
const claimedOf = `CASE c.kind WHEN 'vm_name' THEN v ->> 'vmName' WHEN 'mac' THEN v ->> 'macAddress' WHEN 'mapping' THEN v ->> 'hostname' END`;

/**
 * Names of a VM that another live plan of the same VM needs too are that plan's from now on: it holds none of its own, since its VM had them.
 * Only VMs that are there can be in two plans.
 */
async function leaveToOtherPlans(sql: Sql, planIds: readonly string[]): Promise<void> {
  const [shared] = await sql.query(
    'SELECT FROM claims c JOIN vms ON vms.id = c.vm_id WHERE c.plan_id = ANY($1) LIMIT 1',
    [planIds],
  );
  if (shared === undefined) return;
  await sql.execute(
    `UPDATE claims c SET plan_id = heir.id
     FROM (
       SELECT DISTINCT ON (c.kind, c.scope, c.value) c.kind, c.scope, c.value, p.id
       FROM claims c JOIN vms ON vms.id = c.vm_id
         JOIN plans p ON p.state IN ('making', 'open') AND p.expires_at > clock_timestamp() AND p.id <> ALL($1)
         JOIN LATERAL jsonb_array_elements(p.vms) v ON v ->> 'vmId' = c.vm_id::text AND lower(${claimedOf}) = c.value
       WHERE c.plan_id = ANY($1) AND NOT (v ->> 'removed')::boolean
       ORDER BY c.kind, c.scope, c.value, p.expires_at DESC
     ) heir
     WHERE (c.kind, c.scope, c.value) = (heir.kind, heir.scope, heir.value)`,
    [planIds],
  );
}

/**
 * Plans that hold something and whose time is over, of these routers alone; for a transaction that has the routers' locks. A plan that holds
 * something elsewhere too still holds all of it here: who frees values of a router has that router's lock.
 */
export const duePlans = `SELECT id FROM plans WHERE state IN ('making', 'open') AND expires_at <= clock_timestamp() AND routers <@ $1`;

const onRemovedRouter = `routers && ARRAY(SELECT r.name FROM routers r WHERE r.state = 'removed')`;

/** Plans that hold something and shall not any more: their time is over, or a router of theirs was removed. */
export const endingPlans = `state IN ('making', 'open') AND (expires_at <= clock_timestamp() OR ${onRemovedRouter})`;

/** Ends such plans of these routers alone, and those of which a router was removed; those that were never made to their end are forgotten, with their keys. Gives back how many there were. */
export async function endDuePlans(sql: Sql, routers: readonly string[]): Promise<number> {
  const ended = await sql.query<{ id: string }>(
    `UPDATE plans SET state = CASE WHEN expires_at <= clock_timestamp() THEN 'expired' ELSE 'outdated' END,
       reason = CASE WHEN expires_at <= clock_timestamp() THEN '' ELSE 'a router that it is for was removed.' END
     WHERE ${endingPlans} AND routers <@ $1 RETURNING id`,
    [routers],
  );
  if (ended.length > 0) {
    const ids = ended.map(({ id }) => id);
    await releaseHolds(sql, ids);
    await sql.execute("DELETE FROM plans WHERE id = ANY($1) AND hash = ''", [ids]);
  }
  return ended.length;
}
