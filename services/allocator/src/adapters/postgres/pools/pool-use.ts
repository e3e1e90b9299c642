import type { Sql } from '@berth/database';
import type { NumberRange } from '../../../domain/number-range.ts';
import type { UseSample } from '../../../domain/pools/forecast.ts';
import type { ForeignFact } from '../../../domain/pools/lint-pool.ts';
import type { SegmentRanges } from '../../../domain/pools/pool-segments.ts';
import type { PoolCounts } from '../../../domain/pools/pool-use.ts';
import type { SpaceKind } from '../../../domain/values/choose-values.ts';

/** The last hours, and how many minutes one sample of them stands for. */
const recentHours = 6;
const bucketMinutes = 6;

/** Of the segments of a pool `p` the one with the least part free: when tcp ports are used up, free udp ports help nobody. */
export const tightestSegment = `(
    SELECT parts.size, parts.free FROM (
      SELECT (SELECT sum(upper(r.span) - lower(r.span)) FROM segment_ranges r WHERE r.segment_id = g.id) AS size,
        coalesce((SELECT sum(f.length) FROM free_spans f WHERE f.segment_id = g.id), 0) AS free
      FROM segments g WHERE g.pool_id = p.id
    ) parts WHERE parts.size > 0 ORDER BY parts.free / parts.size LIMIT 1
  )`;

/** How much of these pools is in whose hands: one statement, however many they are. `reached`: the threshold that was noted last. */
export async function countsOf(
  sql: Sql,
  poolIds: readonly string[],
): Promise<ReadonlyMap<string, PoolCounts & { readonly reached: number }>> {
  const rows = await sql.query<PoolCounts & { pool_id: string; reached: number }>(
    `WITH parts AS (
       SELECT g.pool_id, r.space_id, r.span FROM segments g JOIN segment_ranges r ON r.segment_id = g.id WHERE g.pool_id = ANY($1)
     ), sizes AS (
       SELECT pool_id, sum(upper(span) - lower(span)) AS size FROM parts GROUP BY pool_id
     ), free AS (
       SELECT g.pool_id, sum(f.length) AS free FROM segments g JOIN free_spans f ON f.segment_id = g.id WHERE g.pool_id = ANY($1) GROUP BY g.pool_id
     ), taken AS (
       SELECT p.pool_id, h.kind, sum(upper(h.span) - lower(h.span)) AS count
       FROM (SELECT pool_id, space_id, range_agg(span) AS spans FROM parts GROUP BY pool_id, space_id) p
       CROSS JOIN LATERAL (
         SELECT a.kind, unnest(range_agg(a.held) * p.spans) AS span FROM allocations a
         WHERE a.space_id = p.space_id AND a.held && p.spans GROUP BY a.kind
       ) h GROUP BY p.pool_id, h.kind
     ), holders AS (
       SELECT pool_id, sum(count) FILTER (WHERE kind = 'vm') AS held, sum(count) FILTER (WHERE kind IN ('reserved', 'planned')) AS reserved,
         sum(count) FILTER (WHERE kind = 'quarantine') AS quarantined, sum(count) FILTER (WHERE kind = 'foreign') AS "foreign"
       FROM taken GROUP BY pool_id
     )
     SELECT p.id AS pool_id, p.threshold_reached AS reached, coalesce(sizes.size, 0)::float8 AS size, coalesce(free.free, 0)::float8 AS free,
       coalesce(held, 0)::float8 AS held, coalesce(reserved, 0)::float8 AS reserved, coalesce(quarantined, 0)::float8 AS quarantined,
       coalesce("foreign", 0)::float8 AS "foreign",
       jsonb_build_object('size', coalesce(t.size, 0), 'free', coalesce(t.free, 0)) AS tightest
     FROM pools p LEFT JOIN LATERAL ${tightestSegment} t ON true LEFT JOIN sizes ON sizes.pool_id = p.id LEFT JOIN free ON free.pool_id = p.id LEFT JOIN holders ON holders.pool_id = p.id
     WHERE p.id = ANY($1)`,
    [poolIds],
  );
  return new Map(rows.map(({ pool_id, ...counts }) => [pool_id, counts]));
}

/** What was used of these pools in the last hours, ascending in time; a sample for every few minutes. */
export async function recentSamples(
  sql: Sql,
  poolIds: readonly string[],
): Promise<ReadonlyMap<string, readonly UseSample[]>> {
  const rows = await sql.query<{ pool_id: string; at: string; used: number }>(
    `SELECT DISTINCT ON (pool_id, bucket) pool_id, at, used::float8 AS used
     FROM (SELECT *, floor(extract(epoch FROM at) / ${bucketMinutes * 60}) AS bucket FROM pool_samples
       WHERE pool_id = ANY($1) AND at > clock_timestamp() - interval '${recentHours} hours') recent
     ORDER BY pool_id, bucket, at`,
    [poolIds],
  );
  const samples = rows.map(({ pool_id, at, used }) => ({ pool_id, at: new Date(at), used }));
  return Map.groupBy(samples, ({ pool_id }) => pool_id);
}

/** What was shared out to these pools. */
export async function segmentsOfPools(
  sql: Sql,
  poolIds: readonly string[],
): Promise<ReadonlyMap<string, readonly SegmentRanges[]>> {
  const rows = await sql.query<{ pool_id: string; kind: SpaceKind; external_ip: string; ranges: NumberRange[] }>(
    `SELECT g.pool_id, s.kind, s.external_ip,
       json_agg(json_build_object('first', lower(r.span), 'last', upper(r.span) - 1) ORDER BY r.span) AS ranges
     FROM segments g JOIN spaces s ON s.id = g.space_id JOIN segment_ranges r ON r.segment_id = g.id
     WHERE g.pool_id = ANY($1) GROUP BY g.pool_id, s.id`,
    [poolIds],
  );
  const segments = rows.map(({ pool_id: poolId, kind, external_ip: externalIp, ranges }) => ({
    space: { kind, externalIp },
    poolId,
    ranges,
  }));
  return Map.groupBy(segments, ({ poolId }) => poolId);
}

/** Of which sort something is that others hold, by where it stands on the router. */
const sortOf = `CASE
  WHEN f.kind = 'address' AND f.path LIKE 'service dhcp-server % range %' THEN 'dynamic-range'
  WHEN f.kind = 'address' AND (f.path LIKE 'interfaces %' OR f.path LIKE 'high-availability %') THEN 'router-address'
  WHEN f.kind IN ('tcp', 'udp') AND f.path NOT LIKE 'nat %' THEN 'router-service'
  ELSE 'other' END`;

/** What of these pools others hold on the router, a row for each sort. */
export async function foreignFacts(
  sql: Sql,
  poolIds: readonly string[],
): Promise<ReadonlyMap<string, readonly ForeignFact[]>> {
  const rows = await sql.query<ForeignFact & { pool_id: string }>(
    `WITH parts AS (
       SELECT g.pool_id, s.router, s.kind, s.external_ip, range_agg(r.span) AS spans
       FROM segments g JOIN spaces s ON s.id = g.space_id JOIN segment_ranges r ON r.segment_id = g.id
       WHERE g.pool_id = ANY($1) GROUP BY g.pool_id, s.id
     )
     SELECT p.pool_id, ${sortOf} AS sort, count(*)::int AS count, (array_agg(f.path ORDER BY lower(f.held), f.path))[1] AS path,
       min(lower(f.held))::float8 AS first
     FROM parts p JOIN foreign_holdings f ON f.router = p.router AND f.kind = p.kind AND f.held && p.spans
       AND (p.external_ip = '' OR f.external_ip IN ('', p.external_ip))
     GROUP BY p.pool_id, 2 ORDER BY p.pool_id, 2`,
    [poolIds],
  );
  return Map.groupBy(rows, ({ pool_id }) => pool_id);
}
