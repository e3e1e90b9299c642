import type { Sql } from '@berth/database';
import type { NumberRange } from '../../../domain/number-range.ts';
import { FreeAlready } from '../../../domain/values/free-spans.ts';
import { loadSpans, storeSpans } from './span-store.ts';
import { SpansOutOfStep } from './spans-out-of-step.ts';

/** A range of a space that nobody holds any more. */
export interface FreedRange {
  readonly space_id: number;
  readonly first: number;
  readonly last: number;
}

/** What of a range is of a segment. */
export interface SegmentPart {
  readonly segmentId: number;
  readonly part: NumberRange;
}

/** The parts of these ranges that are of segments, found by the index that keeps segments from overlapping. */
export async function partsOf(sql: Sql, ranges: readonly FreedRange[]): Promise<SegmentPart[]> {
  if (ranges.length === 0) return [];
  const rows = await sql.query<{ segment_id: number; first: number; last: number }>(
    `SELECT r.segment_id, lower(r.span * q.held)::float8 AS first, upper(r.span * q.held)::float8 - 1 AS last
     FROM (SELECT space_id, int8range(first, last, '[]') AS held
       FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS given (space_id, first, last)) q
     JOIN segment_ranges r ON r.space_id = q.space_id AND r.span && q.held`,
    [ranges.map(({ space_id }) => space_id), ranges.map(({ first }) => first), ranges.map(({ last }) => last)],
  );
  return rows.map(({ segment_id, first, last }) => ({ segmentId: segment_id, part: { first, last } }));
}

/** Merges freed values into the free spans of their segments. Throws `SpansOutOfStep` when any of them is free there already. */
export async function freeRanges(sql: Sql, freed: readonly FreedRange[]): Promise<void> {
  const parts = await partsOf(sql, freed);
  if (parts.length === 0) return;
  const windows = parts.map(({ segmentId, part }) => ({
    segmentId,
    within: { first: Math.max(0, part.first - 1), last: part.last + 1 },
    most: 3,
  }));
  const segments = await loadSpans(sql, windows);
  try {
    for (const { segmentId, part } of parts) segments.get(segmentId)?.release(part);
  } catch (error) {
    if (!(error instanceof FreeAlready)) throw error;
    throw new SpansOutOfStep([...new Set(freed.map(({ space_id }) => space_id))]);
  }
  await storeSpans(sql, segments);
}
