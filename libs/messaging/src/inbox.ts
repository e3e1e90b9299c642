import type { Sql } from '@berth/database';
import { keptDays } from './streams.ts';

/** A message that is published again on its last day stays in the stream as long once more. */
const inboxDays = 2 * keptDays;

/**
 * Which of these messages this consumer has not handled yet; from now on they count as handled, once the transaction commits.
 * For handlers whose work is not keyed by state of its own.
 */
export async function takeUnseen(
  sql: Sql,
  consumer: string,
  messageIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ message_id: string }>(
    `INSERT INTO inbox (consumer, message_id) SELECT $1, unnest($2::text[])
     ON CONFLICT DO NOTHING RETURNING message_id`,
    [consumer, [...new Set(messageIds)].sort()],
  );
  return new Set(rows.map((row) => row.message_id));
}

/** Forgets ids that cannot come again. `consume` does it by itself. */
export async function dropOldInboxIds(sql: Sql, consumer: string): Promise<number> {
  return sql.execute(`DELETE FROM inbox WHERE consumer = $1 AND received_at < now() - interval '${inboxDays} days'`, [
    consumer,
  ]);
}
