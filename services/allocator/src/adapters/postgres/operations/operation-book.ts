import type { Sql } from '@berth/database';
import { type KeyUse, LookAgain, type OperationBook } from '../../../app/ports.ts';
import { hasEnded, type Operation } from '../../../domain/operations/operation.ts';
import { type OperationRow, operationsById, storeOperations, toOperation } from './operation-rows.ts';

/** How long an Idempotency-Key binds. */
export const keysKept = '24 hours';

interface KeyRow {
  readonly key_scope: string;
  readonly key_text: string;
  readonly fingerprint: Uint8Array;
}

/** The operations of one transaction, and the keys that started them. */
export class PostgresOperationBook implements OperationBook {
  readonly #sql: Sql;
  readonly #known = new Map<string, Operation>();
  readonly #changed = new Set<string>();
  readonly #keys: { readonly use: KeyUse; readonly operationId: string }[] = [];

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  put(operation: Operation): void {
    this.#known.set(operation.id, operation);
    this.#changed.add(operation.id);
  }

  get(id: string): Operation | undefined {
    return this.#known.get(id);
  }

  forget(id: string): void {
    this.#known.delete(id);
    this.#changed.delete(id);
  }

  async openOf(vmIds: readonly string[]): Promise<Operation[]> {
    const rows = await this.#sql.query<OperationRow>(
      `SELECT * FROM operations WHERE vm_id = ANY($1) AND state IN ('pending', 'running') ORDER BY seq`,
      [vmIds],
    );
    const stored = rows.map((row) => this.#keep(toOperation(row)));
    const storedIds = new Set(rows.map(({ id }) => id));
    const put = [...this.#known.values()].filter(({ id, vmId }) => vmIds.includes(vmId) && !storedIds.has(id));
    return [...stored, ...put].filter((operation) => !hasEnded(operation));
  }

  async openOfBulk(bulkId: string): Promise<readonly Operation[]> {
    const rows = await this.#sql.query<OperationRow>(
      `SELECT * FROM operations WHERE bulk_id = $1 AND state IN ('pending', 'running') ORDER BY seq`,
      [bulkId],
    );
    return rows.map((row) => this.#keep(toOperation(row))).filter((operation) => !hasEnded(operation));
  }

  async byIds(ids: readonly string[]): Promise<ReadonlyMap<string, Operation>> {
    const stored = await operationsById(this.#sql, ids);
    return new Map(stored.map((operation) => [operation.id, this.#keep(operation)]));
  }

  async byKeys(keys: readonly (KeyUse | undefined)[]) {
    const used = keys.filter((key) => key !== undefined);
    if (used.length === 0) return keys.map(() => undefined);
    const rows = await this.#sql.query<KeyRow & (OperationRow | { id: null })>(
      `SELECT o.*, k.scope AS key_scope, k.key AS key_text, k.fingerprint
       FROM idempotency_keys k LEFT JOIN operations o ON o.id = k.operation_id
       WHERE (k.scope, k.key) IN (SELECT * FROM unnest($1::text[], $2::text[])) AND k.created_at > now() - interval '${keysKept}'`,
      [used.map(({ scope }) => scope), used.map(({ key }) => key)],
    );
    const textOf = (scope: string, key: string) => JSON.stringify([scope, key]);
    const found = new Map(
      rows.map((row) => [
        textOf(row.key_scope, row.key_text),
        { operation: row.id === null ? undefined : toOperation(row), fingerprint: row.fingerprint },
      ]),
    );
    return keys.map((key) => key && found.get(textOf(key.scope, key.key)));
  }

  remember(use: KeyUse, operationId: string): void {
    this.#keys.push({ use, operationId });
  }

  /** What this transaction changed is newer than what is stored. */
  #keep(stored: Operation): Operation {
    const known = this.#known.get(stored.id) ?? stored;
    this.#known.set(stored.id, known);
    return known;
  }

  async store(): Promise<void> {
    await storeOperations(
      this.#sql,
      [...this.#changed].flatMap((id) => this.#known.get(id) ?? []),
    );
    if (this.#keys.length === 0) return;
    const columns = [this.#keys.map(({ use }) => use.scope), this.#keys.map(({ use }) => use.key)];
    const stored = await this.#sql.execute(
      `INSERT INTO idempotency_keys AS k (scope, key, fingerprint, operation_id)
       SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[]) ORDER BY 1, 2
       ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, operation_id = excluded.operation_id, created_at = now()
       WHERE k.created_at <= now() - interval '${keysKept}'`,
      [
        ...columns,
        this.#keys.map(({ use }) => Buffer.from(use.fingerprint)),
        this.#keys.map(({ operationId }) => operationId),
      ],
    );
    // Another replica has bound one of them meanwhile, for a VM on another router: look at it.
    if (stored < this.#keys.length) throw new LookAgain();
  }
}

/** Drops keys that bind no more. */
export const dropOldKeys = (sql: Sql): Promise<number> =>
  sql.execute(`DELETE FROM idempotency_keys WHERE created_at <= now() - interval '${keysKept}'`);
