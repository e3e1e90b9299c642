import type { Sql } from '@berth/database';
import type { WireError } from '@berth/errors';
import type { BulkBook } from '../../../app/bulk/bulk-book.ts';
import type { KeyUse } from '../../../app/ports.ts';
import { type Bulk, endsCounted, type ItemError } from '../../../domain/bulk/bulk.ts';
import type { Operation } from '../../../domain/operations/operation.ts';
import { insertBulk, lockBulks, storeProgress } from './bulk-rows.ts';
import { bindKey } from './bulk-start.ts';

/** The bulks of one transaction. */
export class PostgresBulkBook implements BulkBook {
  readonly #sql: Sql;
  readonly #known = new Map<string, Bulk>();
  readonly #changed = new Set<string>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  async lock(id: string): Promise<Bulk | undefined> {
    await this.#lockAll([id]);
    return this.#known.get(id);
  }

  put(bulk: Bulk): void {
    this.#known.set(bulk.id, bulk);
    this.#changed.add(bulk.id);
  }

  async begin(bulk: Bulk, items: Parameters<BulkBook['begin']>[1], key: KeyUse | undefined): Promise<void> {
    await insertBulk(this.#sql, bulk);
    await this.#sql.execute(
      `INSERT INTO bulk_items (bulk_id, index, kind, machine_id, payload)
       SELECT $1, *, '' FROM unnest($2::int[], $3::text[], $4::text[])`,
      [
        bulk.id,
        items.map(({ index }) => index),
        items.map(({ kind }) => kind),
        items.map(({ machineId }) => machineId),
      ],
    );
    if (key) await bindKey(this.#sql, { id: bulk.id, key });
    this.put(bulk);
  }

  async setErrors(bulkId: string, errors: readonly ItemError[]): Promise<void> {
    if (errors.length === 0) return;
    await this.#sql.execute(
      `UPDATE bulk_items i SET error = r.error FROM jsonb_to_recordset($2::jsonb) AS r (index integer, error jsonb)
       WHERE i.bulk_id = $1 AND i.index = r.index`,
      [bulkId, JSON.stringify(errors)],
    );
  }

  setErrorOfOthers(bulkId: string, error: WireError): Promise<void> {
    return this.setErrorFrom(bulkId, 0, error);
  }

  async setErrorFrom(bulkId: string, from: number, error: WireError): Promise<void> {
    await this.#sql.execute(
      'UPDATE bulk_items SET error = $2::jsonb WHERE bulk_id = $1 AND index >= $3 AND error IS NULL',
      [bulkId, JSON.stringify(error), from],
    );
  }

  /** Counts the operations that this transaction ended, and writes what changed. Gives that back. */
  async store(ended: readonly Operation[]): Promise<readonly Bulk[]> {
    const ofBulks = Map.groupBy(ended, ({ bulk }) => bulk?.id ?? '');
    ofBulks.delete('');
    await this.#lockAll([...ofBulks.keys()]);
    for (const [id, operations] of ofBulks) {
      const bulk = this.#known.get(id);
      if (bulk === undefined) continue; // it is so long ago that it was dropped
      const counted = endsCounted(bulk, operations);
      this.put(counted.bulk);
      await this.setErrors(id, counted.errors);
    }
    const changed = [...this.#changed].flatMap((id) => this.#known.get(id) ?? []);
    if (changed.length > 0) await storeProgress(this.#sql, changed);
    return changed;
  }

  async #lockAll(ids: readonly string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.#known.has(id));
    if (unknown.length === 0) return;
    for (const bulk of await lockBulks(this.#sql, unknown)) this.#known.set(bulk.id, bulk);
  }
}
