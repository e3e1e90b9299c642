import type { Sql } from '@berth/database';

/** The file that was asked for first and waits; undefined when none does. */
export async function readFileAsked(sql: Sql, router: string): Promise<string | undefined> {
  const [row] = await sql.query<{ name: string }>(
    "SELECT name FROM router_files WHERE router = $1 AND state = 'asked' ORDER BY asked_at LIMIT 1",
    [router],
  );
  return row?.name;
}

/** Records how saving a file ended: `message` empty, and the router wrote it. */
export async function recordFileEnd(sql: Sql, router: string, name: string, message: string): Promise<void> {
  await sql.execute(
    `UPDATE router_files SET state = CASE WHEN $3 = '' THEN 'saved' ELSE 'failed' END, message = $3,
       saved_at = CASE WHEN $3 = '' THEN clock_timestamp() END,
       commit_number = CASE WHEN $3 = '' THEN (SELECT max(number) FROM history_commits WHERE router = $1) END
     WHERE router = $1 AND name = $2 AND state = 'asked'`,
    [router, name, message],
  );
}
