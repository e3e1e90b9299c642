import type { Sql } from '@berth/database';
import type { SpaceKind } from '../../domain/choose-values.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import type { Pool } from '../../domain/pool.ts';
import { type SegmentRanges, shareOut, siteOfPool } from '../../domain/pool-segments.ts';
import type { Router } from '../../domain/router.ts';
import { deriveForeign } from './foreign-store.ts';
import { moveReservations } from './move-reservations.ts';
import { poolsOf } from './pool-rows.ts';
import { rebuildSpans } from './span-store.ts';
import { dropSpaces, spacesInUse } from './unused-spaces.ts';

/**
 * Makes what is derived from a router's pools (segments, free spans, what others hold of them, whose the reservations are, where their VMs
 * go) what their rows say. Writes only what differs, with a fixed number of statements; needs the router's lock. Repeatable. Of pools that
 * overlap the junior one goes without, but not with the one that is being `written` (its id): `conflict` POOL_OVERLAP, naming both.
 */
export async function applyPools(sql: Sql, router: Router, written?: string): Promise<void> {
  const pools = await poolsOf(sql, [router.name]);
  const wanted = shareOut(router, pools, await spacesInUse(sql, router.name), written);
  const moved = await storeSites(sql, router, pools);
  const changed = await storeSegments(sql, router.name, wanted);
  if (changed.length > 0) {
    await dropSpaces(sql, router.name, wanted);
    await rebuildSpans(sql, changed);
    await moveReservations(sql, changed);
  }
  if (changed.length > 0 || moved) await deriveForeign(sql, router.name);
}

/** Stores where the pools' VMs go; whether that changed. */
async function storeSites(sql: Sql, router: Router, pools: readonly Pool[]): Promise<boolean> {
  const stored = await sql.execute(
    `UPDATE pools p SET site = w.site FROM unnest($1::uuid[], $2::jsonb[]) AS w (id, site) WHERE p.id = w.id AND p.site <> w.site`,
    [pools.map(({ id }) => id), pools.map((pool) => JSON.stringify(siteOfPool(pool, router)))],
  );
  return stored > 0;
}

const asMultirange = (ranges: readonly NumberRange[]): string =>
  `{${ranges.map(({ first, last }) => `[${first},${last}]`).join(',')}}`;

/** Nulls cannot be joined. */
const noPool = '00000000-0000-0000-0000-000000000000';

interface WantedRow {
  readonly kind: SpaceKind;
  readonly external_ip: string;
  readonly pool_id: string | null;
  readonly ranges: string;
}

const wantedRows = `SELECT s.id AS space_id, w.pool_id, w.ranges::int8multirange AS ranges
  FROM jsonb_to_recordset($2::jsonb) AS w (kind text, external_ip text, pool_id uuid, ranges text)
  JOIN spaces s ON s.router = $1 AND s.kind = w.kind AND s.external_ip = w.external_ip`;

/** Stores the segments of the spaces in which any differs; gives back those spaces. */
async function storeSegments(sql: Sql, router: string, wanted: readonly SegmentRanges[]): Promise<number[]> {
  const rows: WantedRow[] = wanted.map(({ space, poolId, ranges }) => ({
    kind: space.kind,
    external_ip: space.externalIp,
    pool_id: poolId,
    ranges: asMultirange(ranges),
  }));
  const given = [router, JSON.stringify(rows)];
  await sql.execute(
    `INSERT INTO spaces (router, kind, external_ip)
     SELECT DISTINCT $1, kind, external_ip FROM jsonb_to_recordset($2::jsonb) AS w (kind text, external_ip text)
     ON CONFLICT DO NOTHING`,
    given,
  );
  const different = await sql.query<{ space_id: number }>(
    `SELECT DISTINCT space_id FROM (
       SELECT g.space_id, coalesce(g.pool_id, '${noPool}') AS pool_id, coalesce(range_agg(r.span), '{}') AS ranges
       FROM segments g JOIN spaces s ON s.id = g.space_id LEFT JOIN segment_ranges r ON r.segment_id = g.id
       WHERE s.router = $1 GROUP BY g.id
     ) stored FULL JOIN (
       SELECT space_id, coalesce(pool_id, '${noPool}') AS pool_id, ranges FROM (${wantedRows}) w
     ) wanted USING (space_id, pool_id)
     WHERE stored.ranges IS DISTINCT FROM wanted.ranges`,
    given,
  );
  const spaceIds = different.map(({ space_id }) => space_id);
  if (spaceIds.length === 0) return [];
  const these = [...given, spaceIds];
  // Before any is written: a range may go from one segment to another.
  await sql.execute('DELETE FROM segment_ranges WHERE space_id = ANY($1)', [spaceIds]);
  await sql.execute(
    `DELETE FROM segments g WHERE g.space_id = ANY($3)
       AND NOT EXISTS (SELECT FROM (${wantedRows}) w WHERE w.space_id = g.space_id AND w.pool_id IS NOT DISTINCT FROM g.pool_id)`,
    these,
  );
  await sql.execute(
    `INSERT INTO segments (space_id, pool_id) SELECT space_id, pool_id FROM (${wantedRows}) w WHERE space_id = ANY($3) ON CONFLICT DO NOTHING`,
    these,
  );
  await sql.execute(
    `INSERT INTO segment_ranges (space_id, segment_id, span)
     SELECT g.space_id, g.id, unnest(w.ranges) FROM (${wantedRows}) w
     JOIN segments g ON g.space_id = w.space_id AND g.pool_id IS NOT DISTINCT FROM w.pool_id WHERE g.space_id = ANY($3)`,
    these,
  );
  return spaceIds;
}
