import type { Sql } from '@berth/database';
import { yielding } from '../../domain/default-pools.ts';
import type { PoolSpec } from '../../domain/pool.ts';
import type { PoolChange } from '../../domain/pool-change.ts';
import { type SegmentRanges, segmentsOf } from '../../domain/pool-segments.ts';
import { inBoth, merged } from '../../domain/range-sets.ts';
import type { Router } from '../../domain/router.ts';
import { applyPools } from './apply-pools.ts';
import { poolsById, poolsOf } from './pool-rows.ts';

/**
 * Makes the settings' pools of a router, each once for all time, and keeps those that nobody has changed by hand what the settings say;
 * then all that follows from the router's pools and its place in the network. Repeatable; needs the router's lock. Never fails because of
 * pools that overlap: those of the settings go without what others have. Gives back what is to be told of.
 */
export async function followSettings(sql: Sql, router: Router, specs: readonly PoolSpec[]): Promise<PoolChange[]> {
  const made = await seedPools(sql, router.name, specs);
  const moved = await yieldToOthers(sql, router, specs);
  await applyPools(sql, router, 'yield');
  const isNew = new Set(made);
  const told = await poolsById(sql, [...new Set([...made, ...moved])]);
  return told.map((pool) => ({ kind: isNew.has(pool.id) ? 'created' : 'updated', pool, at: pool.updatedAt }));
}

/**
 * After pools of a router were changed by hand: the settings' pools go without what others have now, and take back what those have no
 * more; then all that follows from the pools. Throws `POOL_OVERLAP` for two that were made by hand. Gives back what is to be told of.
 */
export async function settlePools(sql: Sql, router: Router, specs: readonly PoolSpec[]): Promise<PoolChange[]> {
  const moved = await yieldToOthers(sql, router, specs);
  await applyPools(sql, router);
  return (await poolsById(sql, moved)).map((pool) => ({ kind: 'updated', pool, at: pool.updatedAt }));
}

/** Makes the settings' pools what the settings say, without what pools made by hand have of it. Gives back the ids of those that changed. */
async function yieldToOthers(sql: Sql, router: Router, specs: readonly PoolSpec[]): Promise<string[]> {
  const pools = await poolsOf(sql, [router.name]);
  const byHand = pools.filter(({ fromSettings }) => !fromSettings).flatMap((pool) => segmentsOf(pool, router));
  const current = specs.map((spec) => {
    const own = segmentsOf({ id: '', spec }, router);
    const others = byHand.filter(({ space }) => own.some((one) => isSame(one.space, space)));
    const common = merged(others.flatMap(({ ranges }) => own.flatMap((one) => inBoth(one.ranges, ranges))));
    return yielding(spec, common);
  });
  const moved = await sql.query<{ id: string }>(
    `UPDATE pools p SET spec = w.spec, version = p.version + 1, updated_at = clock_timestamp()
     FROM unnest($2::jsonb[]) AS w (spec)
     WHERE p.router = $1 AND p.from_settings AND p.kind = w.spec ->> 'kind' AND p.spec <> w.spec
     RETURNING p.id`,
    [router.name, current.map((spec) => JSON.stringify(spec))],
  );
  return moved.map(({ id }) => id);
}

const isSame = (one: SegmentRanges['space'], other: SegmentRanges['space']): boolean =>
  one.kind === other.kind && one.externalIp === other.externalIp;

/**
 * Makes the pools of the kinds that this router never had one of from the settings; the default of all groups unless another one is. It is
 * named like the router, or, should another router's pool have that name, with `-default` behind it. Gives back their ids.
 */
async function seedPools(sql: Sql, router: string, specs: readonly PoolSpec[]): Promise<string[]> {
  const made = await sql.query<{ id: string }>(
    `WITH missing AS (
       INSERT INTO pool_seeds (router, kind) SELECT $1, spec ->> 'kind' FROM unnest($2::jsonb[]) AS w (spec)
       ON CONFLICT DO NOTHING RETURNING kind
     ), made AS (
       INSERT INTO pools (kind, name, router, spec, from_settings)
       SELECT m.kind, CASE WHEN EXISTS (SELECT FROM pools p WHERE p.kind = m.kind AND p.name = $1) THEN $1 || '-default' ELSE $1 END,
         $1, w.spec, true
       FROM missing m JOIN unnest($2::jsonb[]) AS w (spec) ON w.spec ->> 'kind' = m.kind
       ON CONFLICT (kind, name) DO NOTHING RETURNING id, kind
     ), defaults AS (
       INSERT INTO pool_defaults (router, kind, group_name, pool_id) SELECT $1, kind, '', id FROM made ON CONFLICT DO NOTHING
     )
     SELECT id FROM made`,
    [router, specs.map((spec) => JSON.stringify(spec))],
  );
  return made.map(({ id }) => id);
}
