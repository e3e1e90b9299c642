import type { Sql } from '@berth/database';
import type { WireError } from '@berth/errors';
import type { Bulk } from '../../../domain/bulk/bulk.ts';

export interface BulkRow {
  readonly id: string;
  readonly state: Bulk['state'];
  /** Null while it is staged. */
  readonly mode: Bulk['mode'] | null;
  readonly items: number;
  readonly principal_id: string;
  readonly principal_name: string;
  readonly principal_group: string;
  readonly permissions: readonly string[];
  readonly grants: Bulk['grants'];
  readonly user_id: string;
  readonly request_id: string;
  readonly traceparent: string;
  readonly may_wait: boolean;
  readonly next_index: number;
  readonly attempts: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly undo_next: number | null;
  readonly undoing: number;
  readonly error: WireError | null;
  readonly cancelled: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

export const toBulk = (row: BulkRow): Bulk => ({
  id: row.id,
  state: row.state,
  mode: row.mode ?? 'best-effort',
  items: row.items,
  principalId: row.principal_id,
  principalName: row.principal_name,
  principalGroup: row.principal_group,
  permissions: row.permissions,
  grants: row.grants,
  userId: row.user_id,
  requestId: row.request_id,
  traceparent: row.traceparent,
  mayWait: row.may_wait,
  next: row.next_index,
  attempts: row.attempts,
  succeeded: row.succeeded,
  failed: row.failed,
  undoNext: row.undo_next,
  undoing: row.undoing,
  error: row.error,
  cancelled: row.cancelled,
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

/** A grant without what a message has beside it. */
export const plainGrant = ({ group, permissions }: Bulk['grants'][number]) => ({ group, permissions });

/** Locks these bulks in the order of their ids, whoever asks. */
export async function lockBulks(sql: Sql, ids: readonly string[]): Promise<Bulk[]> {
  const text = 'SELECT * FROM bulks WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE';
  return (await sql.query<BulkRow>(text, [ids])).map(toBulk);
}

/** Writes how far bulks are. */
export async function storeProgress(sql: Sql, bulks: readonly Bulk[]): Promise<void> {
  const rows = bulks.map(({ id, state, next, succeeded, failed, undoNext, undoing, error, cancelled }) => ({
    ...{ id, state, next_index: next, succeeded, failed, undo_next: undoNext, undoing, error, cancelled },
  }));
  await sql.execute(
    `UPDATE bulks b SET state = r.state, next_index = r.next_index, succeeded = r.succeeded, failed = r.failed,
       undo_next = r.undo_next, undoing = r.undoing, error = r.error, cancelled = r.cancelled, attempts = 0, updated_at = clock_timestamp()
     FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, state text, next_index integer, succeeded integer, failed integer,
       undo_next integer, undoing integer, error jsonb, cancelled boolean) WHERE b.id = r.id`,
    [JSON.stringify(rows)],
  );
}

/** A bulk that is running from the start. */
export const insertBulk = (sql: Sql, bulk: Bulk): Promise<number> =>
  sql.execute(
    `INSERT INTO bulks (id, state, mode, items, principal_id, principal_name, principal_group, permissions, request_id, traceparent,
       may_wait, next_index, failed, created_at, updated_at, grants, user_id)
     VALUES ($1, 'running', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $14, $15)`,
    [
      ...[bulk.id, bulk.mode, bulk.items, bulk.principalId, bulk.principalName, bulk.principalGroup],
      ...[JSON.stringify(bulk.permissions), bulk.requestId, bulk.traceparent, bulk.mayWait, bulk.next, bulk.failed],
      ...[bulk.createdAt, JSON.stringify(bulk.grants.map(plainGrant)), bulk.userId],
    ],
  );
