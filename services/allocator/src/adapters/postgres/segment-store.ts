import type { Sql } from '@berth/database';
import type { SpaceKind } from '../../domain/choose-values.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import type { SegmentRanges } from '../../domain/pool-segments.ts';

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

/** Nulls cannot be joined. */
const noPool = '00000000-0000-0000-0000-000000000000';

const asMultirange = (ranges: readonly NumberRange[]): string =>
  `{${ranges.map(({ first, last }) => `[${first},${last}]`).join(',')}}`;

/** Makes the spaces that are missing, and tells which segments of the router differ from `wanted`. */
export async function changedSegments(
  sql: Sql,
  router: string,
  wanted: readonly SegmentRanges[],
): Promise<SegmentChange[]> {
  const kinds: readonly SpaceKind[] = wanted.map(({ space }) => space.kind);
  const externalIps = wanted.map(({ space }) => space.externalIp);
  await sql.execute(
    `INSERT INTO spaces (router, kind, external_ip)
     SELECT DISTINCT $1, kind, external_ip FROM unnest($2::text[], $3::text[]) AS w (kind, external_ip)
     ON CONFLICT DO NOTHING`,
    [router, kinds, externalIps],
  );
  const different = await sql.query<{
    space_id: number;
    pool_id: string;
    segment_id: number | null;
    stored: number | null;
    at: number | null;
  }>(
    `SELECT space_id, pool_id, segment_id, stored.count AS stored, wanted.at FROM (
       SELECT g.id AS segment_id, g.space_id, coalesce(g.pool_id, '${noPool}') AS pool_id,
         count(r.span)::int AS count, coalesce(range_agg(r.span), '{}') AS ranges
       FROM segments g JOIN spaces s ON s.id = g.space_id LEFT JOIN segment_ranges r ON r.segment_id = g.id
       WHERE s.router = $1 GROUP BY g.id
     ) stored FULL JOIN (
       SELECT s.id AS space_id, coalesce(w.pool_id, '${noPool}') AS pool_id, w.ranges::int8multirange AS ranges, w.at::int
       FROM unnest($2::text[], $3::text[], $4::uuid[], $5::text[]) WITH ORDINALITY AS w (kind, external_ip, pool_id, ranges, at)
       JOIN spaces s ON s.router = $1 AND s.kind = w.kind AND s.external_ip = w.external_ip
     ) wanted USING (space_id, pool_id)
     WHERE stored.ranges IS DISTINCT FROM wanted.ranges`,
    [router, kinds, externalIps, wanted.map(({ poolId }) => poolId), wanted.map(({ ranges }) => asMultirange(ranges))],
  );
  return different.map(({ space_id, pool_id, segment_id, stored, at }) => ({
    spaceId: space_id,
    poolId: pool_id === noPool ? null : pool_id,
    segmentId: segment_id ?? undefined,
    stored: stored ?? 0,
    ranges: at === null ? undefined : wanted[at - 1]?.ranges,
  }));
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
