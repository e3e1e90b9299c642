import type { Database, Sql } from '@berth/database';
import type { PoolLevel } from '../../../app/pools/pool-ports.ts';
import type { PoolCounts } from '../../../domain/pools/pool-use.ts';
import { countsOf, tightestSegment } from './pool-use.ts';

/** Samples are kept for so long. */
const daysKept = 7;
/** Scrapes of several collectors share one look. */
const countsFreshMs = 10_000;

/** How full pools `p` are, without a look at who holds what. */
const levels = `SELECT p.id, p.router, p.alert_thresholds AS "alertThresholds", p.threshold_reached AS reached,
    coalesce(t.size, 0)::float8 AS size, coalesce(t.free, 0)::float8 AS free
  FROM pools p LEFT JOIN LATERAL ${tightestSegment} t ON true`;

export const poolLevelsOf = (sql: Sql, ids: readonly string[]): Promise<PoolLevel[]> =>
  sql.query<PoolLevel>(`${levels} WHERE p.id = ANY($1)`, [ids]);

export const allPoolLevels = (sql: Sql): Promise<PoolLevel[]> => sql.query<PoolLevel>(levels);

/**
 * Notes how much of each pool is used, once a minute whoever asks, and drops what is past its time. Gives back how many samples were made.
 */
export const samplePools = (database: Database): Promise<number> =>
  database.transaction(async (sql) => {
    const [turn] = await sql.query<{ mine: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtext('berth allocator'), hashtext('pool samples'))
         AND NOT EXISTS (SELECT FROM pool_samples s JOIN pools p ON p.id = s.pool_id WHERE s.at = date_trunc('minute', clock_timestamp())) AS mine`,
    );
    if (!turn?.mine) return 0;
    await sql.execute(
      `DELETE FROM pool_samples s USING pools p WHERE s.pool_id = p.id AND s.at < clock_timestamp() - interval '${daysKept} days'`,
    );
    return sql.execute(
      `INSERT INTO pool_samples (pool_id, at, used)
       SELECT id, date_trunc('minute', clock_timestamp()), size - free FROM (${levels}) levels WHERE size > 0 ON CONFLICT DO NOTHING`,
    );
  });

/** A pool's counts with what names it. */
export interface LabelledCounts extends PoolCounts {
  readonly router: string;
  readonly kind: string;
  readonly pool: string;
}

/** How much of every pool is in whose hands; a look serves all who ask within ten seconds. */
export function poolCountsReader(database: Database): () => Promise<readonly LabelledCounts[]> {
  let readAt = Number.NEGATIVE_INFINITY;
  let counts: Promise<readonly LabelledCounts[]> = Promise.resolve([]);
  return () => {
    if (performance.now() - readAt < countsFreshMs) return counts;
    readAt = performance.now();
    counts = readCounts(database);
    counts.catch(() => {
      readAt = Number.NEGATIVE_INFINITY;
    });
    return counts;
  };
}

async function readCounts(sql: Sql): Promise<LabelledCounts[]> {
  const pools = await sql.query<{ id: string; router: string; kind: string; pool: string }>(
    'SELECT id, router, kind, name AS pool FROM pools',
  );
  const counts = await countsOf(
    sql,
    pools.map(({ id }) => id),
  );
  return pools.flatMap(({ id, ...labels }) => {
    const found = counts.get(id);
    return found ? [{ ...labels, ...found }] : [];
  });
}
