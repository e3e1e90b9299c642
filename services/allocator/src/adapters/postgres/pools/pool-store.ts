import type { Sql } from '@berth/database';
import type { HeldValue, HeldValues, PoolSegments, PoolStore } from '../../../app/pools/pool-ports.ts';
import type { Pool } from '../../../domain/pools/pool.ts';
import { applyPools } from './apply-pools.ts';
import { poolLevelsOf } from './pool-levels.ts';
import { findPool, poolsById, poolsOf } from './pool-rows.ts';

const mostExamples = 3;

/** Pools in Postgres, for a transaction that has the lock of their router. */
export const postgresPools = (sql: Sql): PoolStore => ({
  find: (kind, name) => findPool(sql, kind, name),

  async insert(pool) {
    const { id, name, router, description, groups, state, spec, alertThresholds, fromSettings, version } = pool;
    const inserted = await sql.execute(
      `INSERT INTO pools (id, kind, name, router, description, groups, state, spec, alert_thresholds, from_settings, version, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (kind, name) DO NOTHING`,
      [
        ...[id, spec.kind, name, router, description, groups, state, JSON.stringify(spec), alertThresholds],
        ...[fromSettings, version, pool.createdAt, pool.updatedAt],
      ],
    );
    return inserted === 1;
  },

  async replace({ id, description, groups, state, spec, alertThresholds, fromSettings, version, updatedAt }) {
    await sql.execute(
      `UPDATE pools SET description = $2, groups = $3, state = $4, spec = $5, alert_thresholds = $6, from_settings = $7, version = $8,
         updated_at = $9 WHERE id = $1`,
      [id, description, groups, state, JSON.stringify(spec), alertThresholds, fromSettings, version, updatedAt],
    );
  },

  async remove({ id }) {
    await sql.execute('DELETE FROM pools WHERE id = $1', [id]); // its segments go with it, and what is derived from them
  },

  takeDefaults: (pool) => takeDefaults(sql, pool),

  async dropDefaults({ id }) {
    await sql.execute('DELETE FROM pool_defaults WHERE pool_id = $1', [id]);
  },

  apply: (router, written) => applyPools(sql, router, written?.id),

  async keptBySettings(router, kind) {
    return (await poolsOf(sql, [router])).find((pool) => pool.fromSettings && pool.spec.kind === kind);
  },

  async segmentsOf({ id }) {
    const rows = await sql.query<{ space_id: number; spans: string }>(
      `SELECT g.space_id, range_agg(r.span)::text AS spans FROM segments g JOIN segment_ranges r ON r.segment_id = g.id
       WHERE g.pool_id = $1 GROUP BY g.space_id`,
      [id],
    );
    return rows.map(({ space_id, spans }) => ({ spaceId: space_id, spans }));
  },

  heldOutside: ({ id }, before) => heldIn(sql, id, before, heldOfLost),
  async heldOf(pool) {
    return heldIn(sql, pool.id, await this.segmentsOf(pool), heldOfPool);
  },

  levelsOf: (ids) => poolLevelsOf(sql, ids),

  async noteThresholds(passed) {
    if (passed.length === 0) return [];
    const noted = await sql.query<{ id: string; threshold_reached: number }>(
      `UPDATE pools p SET threshold_reached = n.reached
       FROM unnest($1::uuid[], $2::float8[], $3::float8[]) AS n (id, before, reached)
       WHERE p.id = n.id AND p.threshold_reached = n.before RETURNING p.id, p.threshold_reached`,
      [passed.map(({ id }) => id), passed.map(({ before }) => before), passed.map(({ reached }) => reached)],
    );
    const reached = new Map(noted.map((row) => [row.id, row.threshold_reached]));
    const pools = await poolsById(sql, [...reached.keys()]);
    return pools.map((pool) => ({ pool, reached: reached.get(pool.id) ?? 0 }));
  },
});

const heldWithin = (spans: string) => `SELECT a.* FROM (
    SELECT b.space_id, ${spans} AS spans FROM unnest($2::int[], $3::text[]) AS b (space_id, spans)
  ) w JOIN allocations a ON a.space_id = w.space_id AND a.held && w.spans AND a.kind IN ('vm', 'reserved', 'planned')`;

/** What of before the pool has no more. */
const heldOfLost = heldWithin(`b.spans::int8multirange - coalesce((SELECT range_agg(r.span) FROM segments g
  JOIN segment_ranges r ON r.segment_id = g.id WHERE g.pool_id = $1 AND g.space_id = b.space_id), '{}'::int8multirange)`);

/** What it has; and its reservations, also of values that were of its router's former address. */
const heldOfPool = `${heldWithin('b.spans::int8multirange')}
  UNION SELECT a.* FROM reservations r JOIN allocations a ON a.reservation_id = r.id WHERE r.pool_id = $1`;

async function heldIn(sql: Sql, poolId: string, before: PoolSegments, held: string): Promise<HeldValues> {
  const rows = await sql.query<HeldValue & { readonly total: number }>(
    `SELECT count(*) OVER ()::int AS total, lower(a.held)::float8 AS first, upper(a.held)::float8 - 1 AS last, a.kind,
       coalesce(v.owner_group, a.former_group, '') AS "ownerGroup",
       CASE a.kind WHEN 'vm' THEN 'VM ' || coalesce(v.name, a.vm_id::text)
         WHEN 'planned' THEN 'plan ' || a.plan_id ELSE 'reservation ' || a.reservation_id END AS holder
     FROM (${held}) a LEFT JOIN vms v ON a.kind = 'vm' AND v.id = a.vm_id
     ORDER BY lower(a.held) LIMIT ${mostExamples}`,
    [poolId, before.map(({ spaceId }) => spaceId), before.map((segment) => segment.spans)],
  );
  return { count: rows[0]?.total ?? 0, examples: rows };
}

async function takeDefaults(sql: Sql, { id, router, groups, spec, updatedAt }: Pool): Promise<readonly Pool[]> {
  const names = groups.length > 0 ? groups : [''];
  const former = await sql.query<{ pool_id: string }>(
    `SELECT DISTINCT pool_id FROM pool_defaults WHERE router = $1 AND kind = $2 AND group_name = ANY($3) AND pool_id <> $4`,
    [router, spec.kind, names, id],
  );
  await sql.execute('DELETE FROM pool_defaults WHERE pool_id = $1 AND NOT group_name = ANY($2)', [id, names]);
  await sql.execute(
    `INSERT INTO pool_defaults (router, kind, group_name, pool_id) SELECT $1, $2, unnest($3::text[]), $4
     ON CONFLICT (router, kind, group_name) DO UPDATE SET pool_id = excluded.pool_id`,
    [router, spec.kind, names, id],
  );
  const displaced = former.map(({ pool_id }) => pool_id);
  if (displaced.length === 0) return [];
  await sql.execute('UPDATE pools SET version = version + 1, updated_at = $2 WHERE id = ANY($1)', [
    displaced,
    updatedAt,
  ]);
  return poolsById(sql, displaced);
}
