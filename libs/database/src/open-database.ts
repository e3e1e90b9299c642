import { setTimeout as delay } from 'node:timers/promises';
import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { connectTimeoutMs, withServerOptions } from './connection-url.ts';
import { databaseFailure, isRepeatable } from './database-errors.ts';
import type { NamedMigration } from './define-migration.ts';
import { runEntityTransaction } from './entity-transaction.ts';
import { migrateInTurn } from './migrate-in-turn.ts';
import { type Sql, sqlOf } from './sql.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** The service's own schema; made when it is missing. */
  readonly schema: string;
  readonly migrations: readonly NamedMigration[];
  /** MikroORM entities (`defineEntity`) of this service. */
  readonly entities?: NonNullable<Options['entities']>;
  /** At most so many connections; at least 2, since a migration needs one beside that of its lock. */
  readonly poolSize?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

/** A service's own part of Postgres. */
export interface Database extends Sql {
  readonly orm: MikroORM;
  /**
   * Runs `work` in one transaction; commits when it resolves. Runs it again (at most five times) after a deadlock or a
   * serialization failure, so `work` must not have effects outside the transaction. A lost connection becomes `unavailable`,
   * and then whether the commit landed is not known.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /**
   * The same for work with entities: changes of those that `entities` loaded or persisted are written before the commit, and `sql`
   * is in the same transaction (flush first what a statement shall see). Each run starts with a fresh identity map.
   */
  entityTransaction<T>(work: (entities: EntityManager, sql: Sql) => Promise<T>): Promise<T>;
  /** Reads entities, outside a transaction, with a fresh identity map. */
  read<T>(work: (entities: EntityManager) => Promise<T>): Promise<T>;
  /** Brings the schema up to date. Replicas that start together take turns. */
  migrate(): Promise<void>;
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const maxAttempts = 5;
/** Two that met once would meet again if they came back at the same moment. */
const pauseBeforeRepeatMs = () => 10 + Math.random() * 90;
/** A process that froze within a transaction must not hold its locks for ever. */
const idleInTransactionMs = 10_000;
/** Whoever asks waits about as long. */
const defaultConnectTimeoutMs = 5_000;
const identifier = /^[a-z_][a-z0-9_]*$/;

async function runTransaction<T>(pool: Pool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(sqlOf(client));
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((failure: Error) => {
      broken = failure; // the connection is gone: the pool must not hand it out again
    });
    throw error;
  } finally {
    client.release(broken);
  }
}

const translated = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work();
  } catch (error) {
    throw databaseFailure(error);
  }
};

/** Opens the database, without migrating it. `unavailable` when it is not there. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (!identifier.test(options.schema)) throw new Error(`not a schema name: ${options.schema}`);
  const poolSize = options.poolSize ?? 10;
  if (poolSize < 2) throw new Error('a database needs at least 2 connections');
  const orm = await translated(() =>
    MikroORM.init({
      clientUrl: options.url,
      schema: options.schema,
      entities: options.entities ?? [],
      discovery: { warnWhenNoEntities: false },
      extensions: [Migrator],
      migrations: {
        migrationsList: [...options.migrations],
        tableName: 'migrations',
        snapshot: false,
        silent: true,
        allOrNothing: true,
        disableForeignKeys: false,
      },
      pool: { min: 0, max: poolSize },
      driverOptions: {
        // The whole URL, because MikroORM by itself drops its parameters (sslmode, options).
        connectionString: withServerOptions(options.url, {
          search_path: `${options.schema},public`,
          idle_in_transaction_session_timeout: String(idleInTransactionMs),
        }),
        application_name: options.applicationName,
        connectionTimeoutMillis: connectTimeoutMs(options.url, defaultConnectTimeoutMs),
        keepAlive: true,
      },
    }),
  );
  const pool = await translated(() => orm.em.getConnection().getNativeClient());
  const sql = sqlOf(pool);

  const repeated = <T>(attempt: () => Promise<T>): Promise<T> =>
    translated(async () => {
      for (let count = 1; ; count++) {
        try {
          return await attempt();
        } catch (error) {
          if (count === maxAttempts || !isRepeatable(error)) throw error;
          await delay(pauseBeforeRepeatMs());
        }
      }
    });

  return {
    orm,
    query: (text, values) => translated(() => sql.query(text, values)),
    execute: (text, values) => translated(() => sql.execute(text, values)),
    transaction: (work) => repeated(() => runTransaction(pool, work)),
    entityTransaction: (work) => repeated(() => runEntityTransaction(pool, orm, work)),
    read: (work) => translated(() => work(orm.em.fork())),
    migrate: () => translated(() => migrateInTurn(pool, options.schema, () => orm.migrator.up())),
    ping: () => translated(async () => void (await sql.query('SELECT 1'))),
    close: () => orm.close(true),
  };
}
