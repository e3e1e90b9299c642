import type { Sql } from '@berth/database';
import type { NumberRange } from '../../../domain/number-range.ts';
import { FreeSpans } from '../../../domain/values/free-spans.ts';

/** Which free spans of a segment to fetch: at most `most` that begin in `within`, and the one that reaches into it from before. */
export interface SpanWindow {
  readonly segmentId: number;
  readonly within: NumberRange;
  readonly most: number;
}

/** Fetch the `most` smallest spans that are long enough. */
export interface BlockWindow {
  readonly segmentId: number;
  readonly length: number;
  readonly most: number;
}

interface SpanRow {
  readonly segment_id: number;
  readonly first: number;
  readonly last: number;
}

/** All numbers that any segment can have. */
export const everything: NumberRange = { first: 0, last: 2 ** 40 };

/** The free spans around what a transaction deals with, by segment: each look is a few index steps, whatever its size. */
export async function loadSpans(
  sql: Sql,
  windows: readonly SpanWindow[],
  blocks: readonly BlockWindow[] = [],
): Promise<Map<number, FreeSpans>> {
  const rows = await sql.query<SpanRow>(
    `SELECT DISTINCT segment_id, first::float8 AS first, last::float8 AS last FROM (
       SELECT q.segment_id, s.first, s.last
         FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[]) AS q (segment_id, first, last, most)
         CROSS JOIN LATERAL (
           (SELECT f.first, f.last FROM free_spans f WHERE f.segment_id = q.segment_id AND f.first < q.first ORDER BY f.first DESC LIMIT 1)
           UNION ALL
           (SELECT f.first, f.last FROM free_spans f WHERE f.segment_id = q.segment_id AND f.first >= q.first AND f.first <= q.last
            ORDER BY f.first LIMIT q.most)
         ) s
       UNION ALL
       SELECT q.segment_id, s.first, s.last
         FROM unnest($5::int[], $6::bigint[], $7::int[]) AS q (segment_id, length, most)
         CROSS JOIN LATERAL (
           SELECT f.first, f.last FROM free_spans f WHERE f.segment_id = q.segment_id AND f.length >= q.length
           ORDER BY f.length, f.first LIMIT q.most
         ) s
     ) AS spans`,
    [
      windows.map(({ segmentId }) => segmentId),
      windows.map(({ within }) => within.first),
      windows.map(({ within }) => within.last),
      windows.map(({ most }) => most),
      blocks.map(({ segmentId }) => segmentId),
      blocks.map(({ length }) => length),
      blocks.map(({ most }) => most),
    ],
  );
  const found = Map.groupBy(rows, (row) => row.segment_id);
  const segmentIds = new Set([...windows, ...blocks].map(({ segmentId }) => segmentId));
  return new Map([...segmentIds].map((id) => [id, new FreeSpans(found.get(id) ?? [])]));
}

/** Writes what a transaction made of the spans it loaded. */
export async function storeSpans(sql: Sql, segments: ReadonlyMap<number, FreeSpans>): Promise<void> {
  const changes = [...segments].map(([segmentId, spans]) => ({ segmentId, ...spans.changes() }));
  const removed = changes.flatMap(({ segmentId, removed }) => removed.map(({ first }) => ({ segmentId, first })));
  const added = changes.flatMap(({ segmentId, added }) => added.map((span) => ({ segmentId, ...span })));
  if (removed.length > 0) {
    await sql.execute(
      `DELETE FROM free_spans f USING unnest($1::int[], $2::bigint[]) AS gone (segment_id, first)
       WHERE f.segment_id = gone.segment_id AND f.first = gone.first`,
      [removed.map(({ segmentId }) => segmentId), removed.map(({ first }) => first)],
    );
  }
  if (added.length > 0) {
    await sql.execute(
      'INSERT INTO free_spans (segment_id, first, last) SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[])',
      [added.map(({ segmentId }) => segmentId), added.map(({ first }) => first), added.map(({ last }) => last)],
    );
  }
}

/** Makes the free spans of these spaces anew from their segments and allocations. */
export async function rebuildSpans(sql: Sql, spaceIds: readonly number[]): Promise<void> {
  const segments = await sql.query<{ id: number }>('SELECT id FROM segments WHERE space_id = ANY($1)', [spaceIds]);
  await rebuildSpansOf(
    sql,
    segments.map(({ id }) => id),
  );
}

/** The same of these segments alone; reads, of the allocations, what overlaps them, by one look into the index for each segment. */
export async function rebuildSpansOf(sql: Sql, segmentIds: readonly number[]): Promise<void> {
  if (segmentIds.length === 0) return;
  await sql.execute('DELETE FROM free_spans WHERE segment_id = ANY($1)', [segmentIds]);
  await sql.execute(
    `INSERT INTO free_spans (segment_id, first, last)
     SELECT free.segment_id, lower(free.span), upper(free.span) - 1 FROM (
       SELECT g.segment_id, unnest(g.ranges - coalesce(
         (SELECT range_agg(a.held) FROM allocations a WHERE a.space_id = g.space_id AND a.held && g.ranges), '{}'::int8multirange)) AS span
       FROM (SELECT segment_id, space_id, range_agg(span) AS ranges FROM segment_ranges
         WHERE segment_id = ANY($1) GROUP BY segment_id, space_id) g
     ) free`,
    [segmentIds],
  );
}
