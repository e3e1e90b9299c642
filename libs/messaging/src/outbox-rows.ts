import type { Sql } from '@berth/database';
import { keptDays } from './streams.ts';

/** A message in the outbox table. */
export interface OutboxRow {
  readonly id: string;
  /** The stream's name in the contracts. */
  readonly stream: string;
  /** Below the prefix. */
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /** How often its stream was wiped since. */
  readonly attempt: number;
}

/** Younger rows are on their way by the immediate publish. */
const leftBehindAfter = '3 seconds';

export async function insertRows(sql: Sql, rows: readonly OutboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql.execute(
    `INSERT INTO outbox (id, stream, subject, payload, headers)
     SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::jsonb[])`,
    [
      rows.map((row) => row.id),
      rows.map((row) => row.stream),
      rows.map((row) => row.subject),
      rows.map((row) => Buffer.from(row.payload)),
      rows.map((row) => JSON.stringify(row.headers)),
    ],
  );
}

/** Rows that were left behind, or failed here (`failed`); those that another replica has in hand are skipped. */
export const takeLeftBehind = (sql: Sql, failed: readonly string[], limit: number): Promise<OutboxRow[]> =>
  sql.query<OutboxRow>(
    `SELECT id, stream, subject, payload, headers, attempt FROM outbox
     WHERE published_at IS NULL
       AND (attempt > 0 OR created_at < now() - interval '${leftBehindAfter}' OR id = ANY($1))
     ORDER BY seq LIMIT ${limit} FOR UPDATE SKIP LOCKED`,
    [failed],
  );

/** A row that a stream of that creation has stored. */
export interface StoredRow {
  readonly id: string;
  readonly stream: string;
  readonly created: string;
}

/**
 * Marks rows as published, where their stream is still the one that stored them: a row whose stream was wiped between its storing and
 * this would otherwise count as published although it is gone. The share lock makes this and `noteGeneration` take turns.
 */
export async function markPublished(sql: Sql, rows: readonly StoredRow[]): Promise<number> {
  return sql.execute(
    `WITH stored AS (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS s (id, stream, created)
     ), same AS (
       SELECT stream, created FROM stream_generations
       WHERE (stream, created) IN (SELECT stream, created FROM stored) FOR SHARE
     )
     UPDATE outbox SET published_at = now() FROM stored JOIN same USING (stream, created)
     WHERE outbox.id = stored.id AND outbox.published_at IS NULL`,
    [rows.map(({ id }) => id), rows.map(({ stream }) => stream), rows.map(({ created }) => created)],
  );
}

/**
 * Notes when a stream was created. When that differs from what is known, the stream was wiped: its rows count as not published again,
 * and how many they are is given back. The first of several replicas does it.
 */
export async function noteGeneration(sql: Sql, stream: string, created: string): Promise<number> {
  const inserted = await sql.execute(
    'INSERT INTO stream_generations (stream, created) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [stream, created],
  );
  if (inserted === 1) return 0;
  const changed = await sql.execute('UPDATE stream_generations SET created = $2 WHERE stream = $1 AND created <> $2', [
    stream,
    created,
  ]);
  if (changed === 0) return 0;
  return sql.execute(
    `UPDATE outbox SET published_at = NULL, attempt = attempt + 1
     WHERE stream = $1 AND published_at IS NOT NULL AND created_at > now() - interval '${keptDays} days'`,
    [stream],
  );
}

/** Drops rows that are past their time. */
export const dropOldRows = (sql: Sql): Promise<number> =>
  sql.execute(`DELETE FROM outbox WHERE published_at IS NOT NULL AND created_at < now() - interval '${keptDays} days'`);

/** How many rows wait, and for how long the oldest has. */
export async function backlogOf(sql: Sql): Promise<{ waiting: number; oldestSeconds: number }> {
  const [row] = await sql.query<{ waiting: number; oldest: number }>(
    `SELECT count(*)::integer AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest
     FROM outbox WHERE published_at IS NULL`,
  );
  return { waiting: row?.waiting ?? 0, oldestSeconds: row?.oldest ?? 0 };
}
