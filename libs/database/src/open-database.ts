import { Migrator } from '@mikro-orm/migrations';
import { type EntityManager, MikroORM, type Options } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { databaseFailure, isRepeatable } from './database-errors.ts';
import type { NamedMigration } from './define-migration.ts';
import { type Sql, sqlOf } from './sql.ts';

export interface DatabaseOptions {
  readonly url: string;
  /** The service's own schema; made when it is missing. */
  readonly schema: string;
  readonly migrations: readonly NamedMigration[];
  /** MikroORM entities (`defineEntity`) of this service. */
  readonly entities?: NonNullable<Options['entities']>;
  /** At most so many connections. */
  readonly poolSize?: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
}

/** A service's own part of Postgres. */
export interface Database extends Sql {
  readonly orm: MikroORM;
  /**
   * Runs `work` in one transaction; commits when it resolves. Runs it again (at most three times) after a deadlock or a
   * serialization failure, so `work` must not have effects outside the transaction. A lost connection becomes `unavailable`,
   * and then whether the commit landed is not known.
   */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** A unit of work for entities: a fresh identity map, which `flush` writes in one transaction. */
  unitOfWork(): EntityManager;
  /** Brings the schema up to date. Replicas that start together take turns. */
  migrate(): Promise<void>;
  /** Throws when the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

const maxAttempts = 3;
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

/** Opens the database, without migrating it. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (!identifier.test(options.schema)) throw new Error(`not a schema name: ${options.schema}`);
  const orm = await MikroORM.init({
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
    pool: { min: 0, max: options.poolSize ?? 10 },
    driverOptions: {
      application_name: options.applicationName,
      options: `-c search_path=${options.schema},public`,
      connectionTimeoutMillis: 5_000,
    },
  });
  const pool = await orm.em.getConnection().getNativeClient();
  const sql = sqlOf(pool);

  const translated = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw databaseFailure(error);
    }
  };

  return {
    orm,
    query: (text, values) => translated(() => sql.query(text, values)),
    execute: (text, values) => translated(() => sql.execute(text, values)),
    transaction: (work) =>
      translated(async () => {
        for (let attempt = 1; ; attempt++) {
          try {
            return await runTransaction(pool, work);
          } catch (error) {
            if (attempt === maxAttempts || !isRepeatable(error)) throw error;
          }
        }
      }),
    unitOfWork: () => orm.em.fork(),
    async migrate() {
      // The migrator takes no lock of its own: replicas that start together would both run the same statements.
      const client = await pool.connect();
      try {
        await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`migrate:${options.schema}`]);
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${options.schema}`);
        await orm.migrator.up();
      } finally {
        await client.query('SELECT pg_advisory_unlock_all()').catch(() => {}); // a lost connection has lost its locks too
        client.release();
      }
    },
    ping: () => translated(async () => void (await sql.query('SELECT 1'))),
    close: () => orm.close(true),
  };
}
