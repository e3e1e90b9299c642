import type { Sql } from '@berth/database';
import type { SpaceCatalogue } from './space-catalogue.ts';
import { loadSpans, storeSpans } from './span-store.ts';

/** A range of a space that nobody holds any more. */
export interface FreedRange {
  readonly space_id: number;
  readonly first: number;
  readonly last: number;
}

/** Merges freed values into the free spans of their pools. */
export async function freeRanges(sql: Sql, catalogue: SpaceCatalogue, freed: readonly FreedRange[]): Promise<void> {
  const parts = freed.flatMap((range) => catalogue.partsOf(range.space_id, range));
  if (parts.length === 0) return;
  const windows = parts.map(({ poolId, part }) => ({
    poolId,
    within: { first: Math.max(0, part.first - 1), last: part.last + 1 },
    most: 3,
  }));
  const pools = await loadSpans(sql, windows);
  for (const { poolId, part } of parts) pools.get(poolId)?.release(part);
  await storeSpans(sql, pools);
}
