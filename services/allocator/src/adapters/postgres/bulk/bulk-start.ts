import { homeGroupOf } from '@berth/contracts';
import type { Sql } from '@berth/database';
import type { BulkContext, StartingBulk } from '../../../app/bulk/bulk-ports.ts';
import { LookAgain } from '../../../app/ports.ts';
import type { Bulk, BulkMode } from '../../../domain/bulk/bulk.ts';
import { keysKept } from '../operations/operation-book.ts';
import { type BulkRow, plainGrant, toBulk } from './bulk-rows.ts';

/** What a transaction sees of a bulk that is about to be accepted, with its row locked. */
export async function startingBulk(sql: Sql, context: BulkContext): Promise<StartingBulk> {
  const { id, caller } = context;
  const [row] = await sql.query<BulkRow>('SELECT * FROM bulks WHERE id = $1 AND principal_id = $2 FOR NO KEY UPDATE', [
    id,
    caller.id,
  ]);
  const [clock] = await sql.query<{ now: string }>('SELECT clock_timestamp() AS now');
  return {
    now: new Date(clock?.now ?? Number.NaN),
    bulk: row && toBulk(row),
    first: await startedByKey(sql, context),
    staged: await stagedItems(sql, id),
    async accept(accepted) {
      const bulk = await accept(sql, context, accepted);
      await bindKey(sql, context);
      return bulk;
    },
    drop: async () => void (await sql.execute("DELETE FROM bulks WHERE id = $1 AND state = 'staged'", [id])),
  };
}

async function startedByKey(sql: Sql, { key }: BulkContext): Promise<StartingBulk['first']> {
  if (key === undefined) return undefined;
  const [row] = await sql.query<{ fingerprint: Uint8Array } & (BulkRow | { id: null })>(
    `SELECT b.*, k.fingerprint FROM idempotency_keys k LEFT JOIN bulks b ON b.id = k.operation_id
     WHERE k.scope = $1 AND k.key = $2 AND k.created_at > now() - interval '${keysKept}'`,
    [key.scope, key.key],
  );
  return row && { bulk: row.id === null ? undefined : toBulk(row), fingerprint: row.fingerprint };
}

async function stagedItems(sql: Sql, id: string): Promise<StartingBulk['staged']> {
  const [counted] = await sql.query<{ items: number; last: number | null; removals: number }>(
    `SELECT count(*)::int AS items, max(index) AS last, (count(*) FILTER (WHERE kind = 'decommission'))::int AS removals
     FROM bulk_items WHERE bulk_id = $1`,
    [id],
  );
  const { items = 0, last = null, removals = 0 } = counted ?? {};
  return { items: last === items - 1 ? items : 0, removals };
}

async function accept(
  sql: Sql,
  context: BulkContext,
  { items, mode }: { items: number; mode: BulkMode },
): Promise<Bulk> {
  const { id, caller, requestId, traceparent, mayWait } = context;
  const [row] = await sql.query<BulkRow>(
    `UPDATE bulks SET state = 'running', items = $2, mode = $3, principal_name = $4, principal_group = $5, permissions = $6,
       request_id = $7, traceparent = $8, may_wait = $9, created_at = clock_timestamp(), updated_at = clock_timestamp(),
       grants = $10, user_id = $11
     WHERE id = $1 RETURNING *`,
    [
      ...[id, items, mode, caller.name, homeGroupOf(caller), JSON.stringify(caller.permissions)],
      ...[requestId, traceparent, mayWait, JSON.stringify(caller.grants.map(plainGrant)), caller.userId],
    ],
  );
  if (row === undefined) throw new Error(`the bulk ${id} is gone although its row was locked`);
  return toBulk(row);
}

/** Binds an Idempotency-Key to a bulk. */
export async function bindKey(sql: Sql, { id, key }: Pick<BulkContext, 'id' | 'key'>): Promise<void> {
  if (key === undefined) return;
  const bound = await sql.execute(
    `INSERT INTO idempotency_keys AS k (scope, key, fingerprint, operation_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, operation_id = excluded.operation_id, created_at = now()
     WHERE k.created_at <= now() - interval '${keysKept}'`,
    [key.scope, key.key, Buffer.from(key.fingerprint), id],
  );
  if (bound === 0) throw new LookAgain(); // another replica has bound it meanwhile
}
