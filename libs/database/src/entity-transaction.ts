import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { CompiledQuery, type ControlledTransaction, Kysely, PostgresDialect } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { Sql } from './sql.ts';

/**
 * A transaction for entities on a connection that we borrow and give back ourselves. MikroORM's own `transactional` never gives a
 * connection back when it was lost before the rollback (Kysely 0.29 releases it after the rollback only), so a few restarts of the
 * database would use up the pool for good.
 */
export async function runEntityTransaction<T>(
  pool: Pool,
  orm: MikroORM,
  work: (entities: EntityManager, sql: Sql) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    const transaction = await transactionOn(client).catch((failure: Error) => {
      broken = failure;
      throw failure;
    });
    try {
      const entities = orm.em.fork();
      entities.setTransactionContext(transaction);
      const result = await work(entities, sqlOfTransaction(transaction));
      await entities.flush();
      await transaction.commit().execute();
      return result;
    } catch (error) {
      await transaction
        .rollback()
        .execute()
        .catch((failure: Error) => {
          broken = failure; // the connection is gone: the pool must not hand it out again
        });
      throw error;
    }
  } finally {
    client.release(broken);
  }
}

/** Begins a transaction on `client`, which Kysely takes from a pool of this one and cannot keep. */
const transactionOn = (client: PoolClient): Promise<ControlledTransaction<unknown>> => {
  const lent = { query: client.query.bind(client), release: () => {} };
  const poolOfOne = { connect: async () => lent, end: async () => {}, options: {} };
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool: poolOfOne }) }).startTransaction().execute();
};

/** SQL inside that transaction: it sees what was flushed, and commits or rolls back with it. */
const sqlOfTransaction = (transaction: ControlledTransaction<unknown>): Sql => {
  const run = (text: string, values: readonly unknown[] = []) =>
    transaction.executeQuery(CompiledQuery.raw(text, [...values]));
  return {
    async query<Row>(text: string, values?: readonly unknown[]) {
      // As in sqlOf: the row type is a promise of whoever wrote the statement beside it.
      return (await run(text, values)).rows as Row[];
    },
    async execute(text, values) {
      const { numAffectedRows, rows } = await run(text, values);
      return Number(numAffectedRows ?? rows.length);
    },
  };
};
