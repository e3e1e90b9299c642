import { homeGroupOf } from '@berth/contracts';
import type { Database, Sql } from '@berth/database';
import type { WireError } from '@berth/errors';
import type { BulkContext, BulkStore, StagedItem } from '../../../app/bulk/bulk-ports.ts';
import { LookAgain } from '../../../app/ports.ts';
import { itemIds } from '../../../domain/bulk/bulk.ts';
import { bulkNotFound, deadlinePassed } from '../../../domain/errors.ts';
import type { Operation } from '../../../domain/operations/operation.ts';
import { operationsById } from '../operations/operation-rows.ts';
import { type BulkRow, plainGrant, toBulk } from './bulk-rows.ts';
import { startingBulk } from './bulk-start.ts';

const maxLooks = 5;
/**
 * How long a piece of work may take before another replica takes it for lost. All of an atomic bulk is one piece: what is left of its time
 * after an attempt that failed is for the other changes of its router.
 */
const leases = "CASE mode WHEN 'atomic' THEN interval '120 s' ELSE interval '10 s' END";
const stagedFor = '1 hour';
const endedFor = '7 days';

/** Bulks in Postgres, outside of the transactions that accept and settle their items. */
export const postgresBulks = (database: Database): BulkStore => ({
  stage: (context, offset, items) => database.transaction((sql) => stage(sql, context, offset, items)),

  async start(context, work) {
    for (let looks = 1; ; looks++) {
      try {
        return await database.transaction(async (sql) => work(await startingBulk(sql, context)));
      } catch (error) {
        if (!(error instanceof LookAgain) || looks === maxLooks) throw error;
      }
    }
  },

  async find(id) {
    const [seen] = await database.query<BulkRow>('SELECT * FROM bulks WHERE id = $1', [id]);
    if (seen?.state !== 'staged') return seen && toBulk(seen);
    // Whoever accepts it looks at the clock while holding its row: this waits for that.
    const [row] = await database.query<BulkRow>('SELECT * FROM bulks WHERE id = $1 FOR SHARE', [id]);
    return row && row.state !== 'staged' ? toBulk(row) : undefined;
  },

  async lease() {
    const [row] = await database.query<BulkRow>(
      `UPDATE bulks SET leased_until = clock_timestamp() + ${leases}, attempts = attempts + 1
       WHERE id = (SELECT id FROM bulks WHERE state = 'running' AND leased_until <= clock_timestamp()
         AND (next_index < items OR undo_next < items) ORDER BY leased_until LIMIT 1 FOR NO KEY UPDATE)
       RETURNING *`,
    );
    return row && toBulk(row);
  },

  async release(id) {
    await database.execute('UPDATE bulks SET leased_until = clock_timestamp() WHERE id = $1', [id]);
  },

  items: (bulkId, from, most) =>
    database.query<StagedItem>(
      `SELECT kind, machine_id AS "machineId", payload FROM bulk_items WHERE bulk_id = $1 AND index >= $2 ORDER BY index LIMIT $3`,
      [bulkId, from, most],
    ),

  async results(bulkId, from, most) {
    const rows = await database.query<{ index: number; machine_id: string; error: WireError | null }>(
      'SELECT index, machine_id, error FROM bulk_items WHERE bulk_id = $1 AND index >= $2 ORDER BY index LIMIT $3',
      [bulkId, from, most],
    );
    const idOf = ({ index }: { index: number }) => itemIds(bulkId, index).operationId;
    const operations = await byId(database, rows.map(idOf));
    return rows.map((row) => ({
      index: row.index,
      machineId: row.machine_id,
      operation: operations.get(idOf(row)),
      error: row.error ?? undefined,
    }));
  },

  async routersOf(bulkId) {
    const rows = await database.query<{ router: string }>(
      `SELECT DISTINCT router FROM operations WHERE bulk_id = $1 AND state IN ('pending', 'running')`,
      [bulkId],
    );
    return rows.map(({ router }) => router);
  },

  operations: (ids) => byId(database, ids),
});

async function byId(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, Operation>> {
  return new Map((await operationsById(sql, ids)).map((operation) => [operation.id, operation]));
}

async function stage(sql: Sql, context: BulkContext, offset: number, items: readonly StagedItem[]): Promise<void> {
  const { id, caller } = context;
  await sql.execute(
    `INSERT INTO bulks (id, state, principal_id, principal_name, principal_group, permissions, request_id, traceparent, may_wait,
       grants, user_id)
     VALUES ($1, 'staged', $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
    [
      ...[id, caller.id, caller.name, homeGroupOf(caller), JSON.stringify(caller.permissions)],
      ...[context.requestId, context.traceparent, context.mayWait],
      ...[JSON.stringify(caller.grants.map(plainGrant)), caller.userId],
    ],
  );
  const [bulk] = await sql.query<{ principal_id: string; state: string; now: string }>(
    'SELECT principal_id, state, clock_timestamp() AS now FROM bulks WHERE id = $1 FOR SHARE',
    [id],
  );
  if (bulk?.principal_id !== caller.id) throw bulkNotFound(id);
  if (bulk.state !== 'staged') return; // a repeat that comes late
  if (context.deadline.getTime() <= new Date(bulk.now).getTime()) throw deadlinePassed();
  await sql.execute(
    `INSERT INTO bulk_items (bulk_id, index, kind, machine_id, payload)
     SELECT $1, $2 + place - 1, kind, machine_id, payload
     FROM unnest($3::text[], $4::text[], $5::bytea[]) WITH ORDINALITY AS r (kind, machine_id, payload, place)
     ON CONFLICT DO NOTHING`,
    [
      ...[id, offset, items.map(({ kind }) => kind), items.map(({ machineId }) => machineId)],
      items.map(({ payload }) => Buffer.from(payload)),
    ],
  );
}

/** Drops what was staged and never started, and what ended long ago. */
export const dropOldBulks = (sql: Sql): Promise<number> =>
  sql.execute(
    `DELETE FROM bulks WHERE state <> 'running'
       AND updated_at < clock_timestamp() - CASE state WHEN 'staged' THEN interval '${stagedFor}' ELSE interval '${endedFor}' END`,
  );
