import type { Sql } from '@berth/database';

/** How much is free in each pool. */
export const poolLevels = (
  sql: Sql,
): Promise<{ router: string; space: string; external_ip: string; pool: string; free: number }[]> =>
  sql.query(
    `SELECT s.router, s.kind AS space, s.external_ip, coalesce(p.name, '') AS pool,
       (SELECT coalesce(sum(f.length), 0)::float8 FROM free_spans f WHERE f.segment_id = g.id) AS free
     FROM spaces s JOIN segments g ON g.space_id = s.id LEFT JOIN pools p ON p.id = g.pool_id`,
  );

/** What waits: for verdicts, and for the end of its quarantine. */
export async function unsettledLevels(
  sql: Sql,
): Promise<{ count: number; oldestSeconds: number; quarantined: number }> {
  const [row] = await sql.query<{ count: number; oldest: number; quarantined: number }>(
    `SELECT count(*)::int AS count, coalesce(extract(epoch FROM now() - min(updated_at)), 0)::float8 AS oldest,
       (SELECT count(*)::int FROM allocations WHERE kind = 'quarantine') AS quarantined
     FROM vms WHERE unsettled`,
  );
  return { count: row?.count ?? 0, oldestSeconds: row?.oldest ?? 0, quarantined: row?.quarantined ?? 0 };
}
