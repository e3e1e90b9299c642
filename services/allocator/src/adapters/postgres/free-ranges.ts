import type { Sql } from '@berth/database';
import { FreeAlready } from '../../domain/free-spans.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';
import { loadSpans, storeSpans } from './span-store.ts';
import { SpansOutOfStep } from './spans-out-of-step.ts';

/** A range of a space that nobody holds any more. */
export interface FreedRange {
  readonly space_id: number;
  readonly first: number;
  readonly last: number;
}

/** Merges freed values into the free spans of their pools. Throws `SpansOutOfStep` when any of them is free there already. */
export async function freeRanges(sql: Sql, catalogue: SpaceCatalogue, freed: readonly FreedRange[]): Promise<void> {
  const parts = freed.flatMap((range) => catalogue.partsOf(range.space_id, range));
  if (parts.length === 0) return;
  const windows = parts.map(({ poolId, part }) => ({
    poolId,
    within: { first: Math.max(0, part.first - 1), last: part.last + 1 },
    most: 3,
  }));
  const pools = await loadSpans(sql, windows);
  try {
    for (const { poolId, part } of parts) pools.get(poolId)?.release(part);
  } catch (error) {
    if (!(error instanceof FreeAlready)) throw error;
    throw new SpansOutOfStep([...new Set(freed.map(({ space_id }) => space_id))]);
  }
  await storeSpans(sql, pools);
}
