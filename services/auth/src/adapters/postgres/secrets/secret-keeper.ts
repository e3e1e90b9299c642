import type { Sql } from '@berth/database';
import { isKind } from '@berth/errors';
import type { Logger } from '@berth/service-kit';
import type { Vault } from '@berth/vault';
import { idText, type SealedRow, type SealedTable, sealedAnew } from './sealed-table.ts';

const batchSize = 200;

/** How many secrets of a table are sealed with a master key. */
export interface SealedCount {
  readonly table: string;
  readonly masterKeyId: string;
  readonly secrets: number;
}

/** Sees to it that stored secrets are sealed with the master key that writes. */
export class SecretKeeper {
  readonly #deps: { sql: Sql; vault: Vault; log: Logger; tables: readonly SealedTable[] };
  /** What could not be read and was told. */
  readonly #told = new Set<string>();

  constructor(deps: { sql: Sql; vault: Vault; log: Logger; tables: readonly SealedTable[] }) {
    this.#deps = deps;
  }

  /**
   * Seals anew whatever another master key than the first one has sealed, in batches; gives back how many secrets that were. Repeatable, by any
   * replica: a row that somebody else holds or has changed meanwhile is left to the next time. What cannot be read is told once and left.
   */
  async reseal(): Promise<number> {
    const { vault, log, tables } = this.#deps;
    const masterKey = vault.writesWith;
    if (masterKey === undefined) return 0;
    let resealed = 0;
    for (const table of tables) {
      const secrets = await this.#resealTable(table, masterKey);
      if (secrets > 0)
        log.info({ table: table.table, masterKey, secrets }, 'stored secrets sealed with the first master key');
      resealed += secrets;
    }
    return resealed;
  }

  /** How many secrets each master key is needed for, by table. One statement. */
  async counts(): Promise<readonly SealedCount[]> {
    const { sql, tables } = this.#deps;
    const rows = await sql.query<{ table: string; master_key_id: string; secrets: string }>(
      tables
        .map(
          ({ table }) =>
            `SELECT '${table}' AS table, master_key_id, count(*) AS secrets FROM ${table} WHERE master_key_id IS NOT NULL GROUP BY master_key_id`,
        )
        .join(' UNION ALL '),
    );
    return rows.map((row) => ({ table: row.table, masterKeyId: row.master_key_id, secrets: Number(row.secrets) }));
  }

  async #resealTable(table: SealedTable, masterKey: string): Promise<number> {
    let resealed = 0;
    let last: SealedRow['id'] | null = null;
    for (;;) {
      const rows: readonly SealedRow[] = await this.#otherwiseSealed(table, masterKey, last);
      const fresh = rows.flatMap((row) => {
        const after = this.#opened(table, row);
        return after === undefined ? [] : [{ id: row.id, before: row.bytes, after }];
      });
      if (fresh.length > 0) resealed += await this.#replace(table, masterKey, fresh);
      last = rows.at(-1)?.id ?? null;
      if (rows.length < batchSize) return resealed;
    }
  }

  #otherwiseSealed(
    { table, id, sealed }: SealedTable,
    masterKey: string,
    after: SealedRow['id'] | null,
  ): Promise<SealedRow[]> {
    return this.#deps.sql.query<SealedRow>(
      `SELECT ${id.column} AS id, ${sealed} AS bytes, master_key_id FROM ${table}
       WHERE master_key_id IS NOT NULL AND master_key_id <> $1 AND ($2::${id.type} IS NULL OR ${id.column} > $2::${id.type})
       ORDER BY ${id.column} LIMIT ${batchSize}`,
      [masterKey, after],
    );
  }

  /** Undefined when it cannot be read. */
  #opened(table: SealedTable, row: SealedRow): Buffer | undefined {
    try {
      return sealedAnew(this.#deps.vault, table, row);
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error;
      const one = { table: table.table, id: idText(row), masterKey: row.master_key_id };
      const key = JSON.stringify(one);
      if (!this.#told.has(key)) this.#deps.log.error({ ...one, reason: error.message }, 'stored secret cannot be read');
      this.#told.add(key);
      return undefined;
    }
  }

  /** Only where the old bytes still stand. Rows that somebody holds are passed over: nobody waits for another, so nobody waits in a ring. */
  #replace(
    { table, id, sealed }: SealedTable,
    masterKey: string,
    rows: readonly { id: string | Buffer; before: Buffer; after: Buffer }[],
  ): Promise<number> {
    return this.#deps.sql.execute(
      `WITH fresh AS (SELECT * FROM unnest($1::${id.type}[], $2::bytea[], $3::bytea[]) AS f (id, before, after)),
         free AS MATERIALIZED (
           SELECT t.${id.column} AS id FROM ${table} t JOIN fresh ON fresh.id = t.${id.column} AND fresh.before = t.${sealed}
           ORDER BY 1 FOR UPDATE OF t SKIP LOCKED
         )
       UPDATE ${table} t SET ${sealed} = fresh.after, master_key_id = $4 FROM free JOIN fresh USING (id)
       WHERE t.${id.column} = free.id AND t.${sealed} = fresh.before`,
      [rows.map((row) => row.id), rows.map((row) => row.before), rows.map((row) => row.after), masterKey],
    );
  }
}
