import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { startPostgres } from '@berth/local-servers';
import pg from 'pg';
import { databaseUrl } from './fresh-database.ts';
import { lastly, newTemporaryFolder, type TestScope } from './test-scope.ts';

/** A Postgres server of this test alone, which it may kill and start again under the same URL. */
export interface OwnPostgres {
  /** The superuser's URL of an empty database in which btree_gist is available. */
  readonly url: string;
  /** kill -9 of the whole server; with `durable`, what was committed is there after the next start. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again with the data it had. Does nothing while it runs. */
  start(): Promise<void>;
}

/** Starts it (about 0.7 s); always a local process. It is ended after all other clean-up of the test. */
export async function ownPostgres(scope: TestScope, { durable = false } = {}): Promise<OwnPostgres> {
  const folder = newTemporaryFolder('postgres');
  const password = randomBytes(12).toString('hex');
  const first = await startPostgres({ folder, password, durable, temporary: true });
  let running: typeof first | undefined = first;
  const own: OwnPostgres = {
    url: databaseUrl(first.url, 'own'),
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async stop() {
      await running?.stop();
      running = undefined;
    },
    async start() {
      running ??= await startPostgres({ folder, password, durable, port: first.port, temporary: true });
      if (running.url !== first.url) throw new Error(`Port ${first.port} was taken while this Postgres was away.`);
    },
  };
  lastly(scope, async () => {
    await own.stop();
    await rm(folder, { recursive: true, force: true });
  });
  await query(first.url, 'CREATE DATABASE own');
  await query(own.url, 'CREATE EXTENSION btree_gist');
  return own;
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}
