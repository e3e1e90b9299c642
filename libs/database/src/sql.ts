import type { Pool, PoolClient } from 'pg';

/**
 * Runs SQL with `$1` parameters. Names without a schema are those of the service's own schema. Values come as the driver under MikroORM
 * gives them: dates and timestamps as Postgres text (`new Date(text)` reads a timestamptz), bigint and numeric as strings, bytea as Buffer,
 * json parsed. Parameters may be Dates, Buffers and arrays; JSON has to be given as text.
 */
export interface Sql {
  /** The rows that a statement gives. Row types are the caller's promise about its own statement. */
  query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** How many rows a statement touched. */
  execute(text: string, values?: readonly unknown[]): Promise<number>;
}

/** `client` as Sql. */
export const sqlOf = (client: Pool | PoolClient): Sql => ({
  async query<Row>(text: string, values: readonly unknown[] = []) {
    // The row type is a promise of whoever wrote the statement beside it; the statement's tests hold it.
    return (await client.query(text, [...values])).rows as Row[];
  },
  async execute(text, values = []) {
    return (await client.query(text, [...values])).rowCount ?? 0;
  },
});
