import type { Sql } from '@berth/database';
import type { PoolSpec } from '../../../domain/pools/pool.ts';
import type { PoolChange } from '../../../domain/pools/pool-change.ts';
import type { Router } from '../../../domain/routers/router.ts';
import { applyPools } from './apply-pools.ts';
import { poolsById } from './pool-rows.ts';

/**
 * Makes the settings' pools of a router, each once for all time, and keeps those whose values nobody has changed by hand what the settings
 * say; then all that follows from the router's pools and its place in the network. Repeatable; needs the router's lock. Never fails because
 * of pools that overlap. Gives back what is to be told of.
 */
export async function followSettings(sql: Sql, router: Router, specs: readonly PoolSpec[]): Promise<PoolChange[]> {
  const made = await seedPools(sql, router.name, specs);
  const moved = await updateSpecs(sql, router.name, specs);
  await applyPools(sql, router);
  const isNew = new Set(made);
  const told = await poolsById(sql, [...new Set([...made, ...moved.keys()])]);
  return told.map((pool): PoolChange => {
    const spec = isNew.has(pool.id) ? undefined : moved.get(pool.id);
    if (spec === undefined) return { kind: 'created', pool, at: pool.updatedAt };
    return { kind: 'updated', pool, before: { ...pool, spec, version: pool.version - 1 }, at: pool.updatedAt };
  });
}

/** Makes the pools that are still the settings' what these say. Gives back what those that changed had before, by their ids. */
async function updateSpecs(
  sql: Sql,
  router: string,
  specs: readonly PoolSpec[],
): Promise<ReadonlyMap<string, PoolSpec>> {
  const moved = await sql.query<{ id: string; before: PoolSpec }>(
    `UPDATE pools p SET spec = w.spec, version = p.version + 1, updated_at = clock_timestamp()
     FROM unnest($2::jsonb[]) AS w (spec), pools o
     WHERE o.id = p.id AND p.router = $1 AND p.from_settings AND p.kind = w.spec ->> 'kind' AND p.spec <> w.spec
     RETURNING p.id, o.spec AS before`,
    [router, specs.map((spec) => JSON.stringify(spec))],
  );
  return new Map(moved.map(({ id, before }) => [id, before]));
}

/** Makes the pools of the kinds that this router never had one of from the settings. Gives back their ids. */
async function seedPools(sql: Sql, router: string, specs: readonly PoolSpec[]): Promise<string[]> {
  const made: string[] = [];
  // Again only when another router's pool got one of the names in the same moment: that is seen by the next turn, which takes another.
  for (let left = specs; left.length > 0; ) {
    const turn = await seedOnce(sql, router, left);
    made.push(...turn.flatMap(({ id }) => id ?? []));
    const raced = new Set(turn.filter(({ id }) => id === null).map(({ kind }) => kind));
    left = left.filter(({ kind }) => raced.has(kind));
  }
  return made;
}

/**
 * A pool of each kind that the router never had one of, the default of all groups unless another one is. It is named like the router or,
 * where pools have those names, with `-default` behind it, then with a number too. Without an id: that name was taken meanwhile.
 */
const seedOnce = (
  sql: Sql,
  router: string,
  specs: readonly PoolSpec[],
): Promise<{ readonly kind: string; readonly id: string | null }[]> =>
  sql.query(
    `WITH missing AS (
       SELECT w.spec, w.spec ->> 'kind' AS kind FROM unnest($2::jsonb[]) AS w (spec)
       WHERE NOT EXISTS (SELECT FROM pool_seeds s WHERE s.router = $1 AND s.kind = w.spec ->> 'kind')
     ), made AS (
       INSERT INTO pools (kind, name, router, spec, from_settings)
       SELECT m.kind, (
           SELECT c.name FROM generate_series(0, (SELECT count(*) FROM pools p WHERE p.kind = m.kind)) AS n
           CROSS JOIN LATERAL (SELECT $1 || CASE n WHEN 0 THEN '' WHEN 1 THEN '-default' ELSE '-default-' || n END AS name) c
           WHERE NOT EXISTS (SELECT FROM pools p WHERE p.kind = m.kind AND p.name = c.name) ORDER BY n LIMIT 1
         ), $1, m.spec, true
       FROM missing m ON CONFLICT (kind, name) DO NOTHING RETURNING id, kind
     ), seeded AS (
       INSERT INTO pool_seeds (router, kind) SELECT $1, kind FROM made
     ), defaults AS (
       INSERT INTO pool_defaults (router, kind, group_name, pool_id) SELECT $1, kind, '', id FROM made ON CONFLICT DO NOTHING
     )
     SELECT m.kind, made.id FROM missing m LEFT JOIN made ON made.kind = m.kind`,
    [router, specs.map((spec) => JSON.stringify(spec))],
  );
