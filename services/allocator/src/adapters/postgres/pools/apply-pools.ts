import type { Sql } from '@berth/database';
import type { Pool } from '../../../domain/pools/pool.ts';
import { tooManyRanges } from '../../../domain/pools/pool-errors.ts';
import { type SegmentRanges, shareOut, siteOfPool } from '../../../domain/pools/pool-segments.ts';
import type { Router } from '../../../domain/routers/router.ts';
import { deriveForeign } from '../values/foreign-store.ts';
import { holdOnEveryAddress } from '../values/hold-on-every-address.ts';
import { rebuildSpansOf } from '../values/span-store.ts';
import { dropSpaces, spacesInUse } from '../values/unused-spaces.ts';
import { moveReservations } from './move-reservations.ts';
import { poolsOf } from './pool-rows.ts';
import { changedSegments, type SegmentChange, storeSegments } from './segment-store.ts';

/** Every write of a pool compares all ranges of its router. */
const mostRanges = 50_000;

/**
 * Makes what is derived from a router's pools (segments, free spans, what others hold of them, whose the reservations are, where their VMs
 * go) what their rows say. Writes only what differs, with a fixed number of statements; needs the router's lock. Repeatable. Of pools that
 * overlap the junior one goes without, but not with the one that is being `written` (its id): `conflict` POOL_OVERLAP, naming both. Nor may
 * that one bring more ranges than a router's pools may have: `conflict` POOL_RANGES_TOO_MANY.
 */
export async function applyPools(sql: Sql, router: Router, written?: string): Promise<void> {
  const pools = await poolsOf(sql, [router.name]);
  const wanted = shareOut(router, pools, await spacesInUse(sql, router.name), written);
  const moved = await storeSites(sql, router, pools);
  const changes = await changedSegments(sql, router.name, wanted);
  if (written !== undefined) refuseTooMany(wanted, changes);
  await rebuildSpansOf(sql, await storeSegments(sql, changes));
  if (changes.length > 0) {
    await dropSpaces(sql, router.name, wanted);
    await moveReservations(sql, [...new Set(changes.map(({ spaceId }) => spaceId))]);
  }
  if (changes.length > 0) await holdOnEveryAddress(sql, router.name);
  if (changes.length > 0 || moved) await deriveForeign(sql, router.name);
}

/** Stores where the pools' VMs go; whether that changed. */
async function storeSites(sql: Sql, router: Router, pools: readonly Pool[]): Promise<boolean> {
  const stored = await sql.execute(
    `UPDATE pools p SET site = w.site FROM unnest($1::uuid[], $2::jsonb[]) AS w (id, site) WHERE p.id = w.id AND p.site <> w.site`,
    [pools.map(({ id }) => id), pools.map((pool) => JSON.stringify(siteOfPool(pool, router)))],
  );
  return stored > 0;
}

/** What makes them fewer is let through, also when they are still too many: the settings' pools and reports of routers know no limit. */
function refuseTooMany(wanted: readonly SegmentRanges[], changes: readonly SegmentChange[]): void {
  const count = wanted.reduce((sum, { poolId, ranges }) => sum + (poolId === null ? 0 : ranges.length), 0);
  const more = changes.reduce(
    (sum, { poolId, ranges, stored }) => sum + (poolId === null ? 0 : (ranges?.length ?? 0) - stored),
    0,
  );
  if (count > mostRanges && more > 0) throw tooManyRanges(count, mostRanges);
}
