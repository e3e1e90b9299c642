import type { Sql } from '@berth/database';
import type { NumberRange } from '../../../domain/number-range.ts';
import type { SegmentRanges } from '../../../domain/pools/pool-segments.ts';
import { merged } from '../../../domain/range-sets.ts';
import type { SpaceKind } from '../../../domain/values/choose-values.ts';

/** A segment whose stored ranges are not those that it shall have. */
export interface SegmentChange {
  readonly spaceId: number;
  /** Null: what is of no pool. */
  readonly poolId: string | null;
  /** Undefined: it is not stored yet. */
  readonly segmentId: number | undefined;
  /** How many ranges are stored. */
  readonly stored: number;
  /** Undefined: it shall not be there. */
  readonly ranges: readonly NumberRange[] | undefined;
}

/** These ranges as Postgres writes them. */
const asMultirange = (ranges: readonly NumberRange[]): string =>
  `{${merged(ranges)
    .map(({ first, last }) => `[${first},${last + 1})`)
    .join(',')}}`;

interface StoredSegment {
  readonly space_id: number;
  readonly kind: SpaceKind;
  readonly external_ip: string;
  readonly segment_id: number | null;
  readonly pool_id: string | null;
  readonly count: number;
  readonly ranges: string | null;
}

/** Makes the spaces that are missing, and tells which segments of the router differ from `wanted`. */
export async function changedSegments(
  sql: Sql,
  router: string,
  wanted: readonly SegmentRanges[],
): Promise<SegmentChange[]> {
  await sql.execute(
    `INSERT INTO spaces (router, kind, external_ip)
     SELECT DISTINCT $1, kind, external_ip FROM unnest($2::text[], $3::text[]) AS w (kind, external_ip)
     ON CONFLICT DO NOTHING`,
    [router, wanted.map(({ space }) => space.kind), wanted.map(({ space }) => space.externalIp)],
  );
  const stored = await sql.query<StoredSegment>(
    `SELECT s.id AS space_id, s.kind, s.external_ip, g.id AS segment_id, g.pool_id, r.count, r.ranges
     FROM spaces s LEFT JOIN segments g ON g.space_id = s.id CROSS JOIN LATERAL (
       SELECT count(*)::int AS count, range_agg(span)::text AS ranges FROM segment_ranges WHERE segment_id = g.id
     ) r WHERE s.router = $1`,
    [router],
  );
  return differences(stored, wanted);
}

const keyOf = (kind: string, externalIp: string, poolId: string | null): string => `${kind} ${externalIp} ${poolId}`;

function differences(stored: readonly StoredSegment[], wanted: readonly SegmentRanges[]): SegmentChange[] {
  const spaces = new Map(stored.map((row) => [keyOf(row.kind, row.external_ip, null), row.space_id]));
  const segments = new Map(
    stored
      .filter((row) => row.segment_id !== null)
      .map((row) => [keyOf(row.kind, row.external_ip, row.pool_id), row] as const),
  );
  const changes: SegmentChange[] = [];
  for (const { space, poolId, ranges } of wanted) {
    const key = keyOf(space.kind, space.externalIp, poolId);
    const [segment, spaceId] = [segments.get(key), spaces.get(keyOf(space.kind, space.externalIp, null))];
    segments.delete(key);
    if (spaceId === undefined) throw new Error(`a space of ${space.kind} was not made`);
    if (segment && (segment.ranges ?? '{}') === asMultirange(ranges)) continue;
    changes.push({ spaceId, poolId, segmentId: segment?.segment_id ?? undefined, stored: segment?.count ?? 0, ranges });
  }
  for (const { space_id, pool_id, segment_id, count } of segments.values()) {
    changes.push({
      ...{ spaceId: space_id, poolId: pool_id, segmentId: segment_id ?? undefined },
      ...{ stored: count, ranges: undefined },
    });
  }
  return changes;
}

/** The segments of `$1` and `$2` with what they shall have. */
const wantedRanges = `SELECT g.space_id, g.id AS segment_id, unnest(w.ranges::int8multirange) AS span
  FROM unnest($1::int[], $2::uuid[], $3::text[]) AS w (space_id, pool_id, ranges)
  JOIN segments g ON g.space_id = w.space_id AND g.pool_id IS NOT DISTINCT FROM w.pool_id`;

/**
 * Makes the segments what `changes` say, and writes only ranges that come or go: each costs a check that no other segment has its numbers.
 * Gives back the segments whose free spans have to be made anew.
 */
export async function storeSegments(sql: Sql, changes: readonly SegmentChange[]): Promise<number[]> {
  if (changes.length === 0) return [];
  const gone = changes.flatMap(({ ranges, segmentId }) => (ranges ? [] : (segmentId ?? [])));
  if (gone.length > 0) await sql.execute('DELETE FROM segments WHERE id = ANY($1)', [gone]); // with all that is derived from them
  const kept = changes.flatMap(({ spaceId, poolId, ranges }) => (ranges ? [{ spaceId, poolId, ranges }] : []));
  if (kept.length === 0) return [];
  const names = [kept.map(({ spaceId }) => spaceId), kept.map(({ poolId }) => poolId)];
  const given = [...names, kept.map(({ ranges }) => asMultirange(ranges))];
  await sql.execute(
    'INSERT INTO segments (space_id, pool_id) SELECT * FROM unnest($1::int[], $2::uuid[]) ON CONFLICT DO NOTHING',
    names,
  );
  const segments = await sql.query<{ id: number }>(
    `SELECT g.id FROM unnest($1::int[], $2::uuid[]) AS w (space_id, pool_id)
     JOIN segments g ON g.space_id = w.space_id AND g.pool_id IS NOT DISTINCT FROM w.pool_id`,
    names,
  );
  const ids = segments.map(({ id }) => id);
  // Of all segments before any is written: a range may go from one to another.
  await sql.execute(
    `DELETE FROM segment_ranges r WHERE r.segment_id = ANY($4)
       AND (r.segment_id, r.span) NOT IN (SELECT segment_id, span FROM (${wantedRanges}) w)`,
    [...given, ids],
  );
  await sql.execute(
    `INSERT INTO segment_ranges (space_id, segment_id, span)
     SELECT space_id, segment_id, span FROM (${wantedRanges}) w
     EXCEPT SELECT space_id, segment_id, span FROM segment_ranges WHERE segment_id = ANY($4)`,
    [...given, ids],
  );
  return ids;
}
