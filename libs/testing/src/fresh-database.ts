import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { lastly, type TestScope } from './test-scope.ts';
import { testPostgres } from './test-servers.ts';

const template = 'berth_test_template';
const noSuchDatabase = '3D000';

/**
 * A new empty database in which btree_gist is available, on the test run's server; the URL is the superuser's. It is
 * dropped, with whatever is still connected, after all other clean-up of the test.
 */
export async function freshDatabase(scope: TestScope): Promise<{ url: string }> {
  const server = await testPostgres();
  const name = `t_${randomBytes(8).toString('hex')}`;
  await withAdmin(server.url, async (admin) => {
    await copyOfTemplate(admin, server.url, name);
  });
  lastly(scope, () => withAdmin(server.url, (admin) => admin.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  return { url: databaseUrl(server.url, name) };
}

/** The same server's URL for another database. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function copyOfTemplate(admin: pg.Client, serverUrl: string, name: string): Promise<void> {
  // Copying files beats writing 7 MB through the log when the server does not flush them anyway.
  const create = `CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY FILE_COPY`;
  try {
    await admin.query(create);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== noSuchDatabase) throw error;
    await makeTemplate(admin, serverUrl);
    await admin.query(create);
  }
}

/** One process makes it while the others wait for its lock. It appears under its name only when it is complete. */
async function makeTemplate(admin: pg.Client, serverUrl: string): Promise<void> {
  const unfinished = `${template}_unfinished`;
  await admin.query('SELECT pg_advisory_lock(hashtext($1))', [template]);
  try {
    const found = await admin.query('SELECT FROM pg_database WHERE datname = $1', [template]);
    if (found.rowCount !== 0) return;
    await admin.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${unfinished} TEMPLATE template0 ENCODING 'UTF8'`);
    await withAdmin(databaseUrl(serverUrl, unfinished), (client) => client.query('CREATE EXTENSION btree_gist'));
    await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${template}`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(hashtext($1))', [template]);
  }
}

async function withAdmin(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
