import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { lastly, type TestScope } from './test-scope.ts';
import { testPostgres } from './test-servers.ts';

const emptyTemplate = 'berth_test_template';
const noSuchDatabase = '3D000';

/** Tables that a database has from the start: those of a service's migrations. */
export interface TestSchema {
  readonly name: string;
  readonly migrations: readonly { readonly name: string; readonly statements: readonly string[] }[];
  /** Runs them in the database at `url`, and leaves no connection behind. */
  migrate(url: string): Promise<void>;
}

/**
 * A new database in which btree_gist is available, on the test run's server; the URL is the superuser's. It is empty, or has
 * the tables of `schema`: these are made once for all tests and copied, which takes a tenth of migrating. It is dropped,
 * with whatever is still connected, after all other clean-up of the test.
 */
export async function freshDatabase(scope: TestScope, schema?: TestSchema): Promise<{ url: string }> {
  const server = await testPostgres();
  const name = `t_${randomBytes(8).toString('hex')}`;
  const admins = adminsOf(server.url);
  const admin = await admins.connect();
  try {
    await copyOf(templateOf(schema), admin, server.url, name);
  } finally {
    admin.release();
  }
  lastly(scope, async () => void (await admins.query(`DROP DATABASE ${name} WITH (FORCE)`)));
  return { url: patient(databaseUrl(server.url, name)) };
}

/** Requests that wait for each other on a busy machine wait for their turn, instead of being told that there is no database. */
function patient(url: string): string {
  const result = new URL(url);
  result.searchParams.set('connect_timeout', '60');
  return result.href;
}

let admins: pg.Pool | undefined;

/** Kept for the next database, since a connection costs as much as a copy; it does not keep the process alive. */
function adminsOf(url: string): pg.Pool {
  admins ??= new pg.Pool({ connectionString: url, max: 4, allowExitOnIdle: true }).on('error', () => {});
  return admins;
}

/** The same server's URL for another database. */
export function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

/** A database that is only copied: nobody may be connected to it then. */
interface Template {
  readonly name: string;
  readonly parent: Template | undefined;
  /** Makes it what it is, from a copy of its parent. */
  prepare(url: string): Promise<unknown>;
}

const empty: Template = {
  name: emptyTemplate,
  parent: undefined,
  prepare: withGist,
};

/** Another name for another history: a server that was given may have templates of earlier ones. */
function templateOf(schema: TestSchema | undefined): Template {
  if (schema === undefined) return empty;
  const history = schema.migrations.map(({ name, statements }) => [name, statements]);
  const fingerprint = createHash('sha256').update(JSON.stringify(history)).digest('hex').slice(0, 16);
  return { name: `${emptyTemplate}_${schema.name}_${fingerprint}`, parent: empty, prepare: schema.migrate };
}

async function copyOf(template: Template, admin: pg.ClientBase, serverUrl: string, name: string): Promise<void> {
  // Copying files beats writing 7 MB through the log when the server does not flush them anyway.
  const create = `CREATE DATABASE ${name} TEMPLATE ${template.name} STRATEGY FILE_COPY`;
  try {
    await admin.query(create);
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== noSuchDatabase) throw error;
    await makeTemplate(template, admin, serverUrl);
    await admin.query(create);
  }
}

/** One process makes it while the others wait for its lock. It appears under its name only when it is complete. */
async function makeTemplate(template: Template, admin: pg.ClientBase, serverUrl: string): Promise<void> {
  const unfinished = `${template.name}_new`;
  await admin.query('SELECT pg_advisory_lock(hashtext($1))', [template.name]);
  try {
    const found = await admin.query('SELECT FROM pg_database WHERE datname = $1', [template.name]);
    if (found.rowCount !== 0) return;
    await admin.query(`DROP DATABASE IF EXISTS ${unfinished} WITH (FORCE)`);
    if (template.parent) await copyOf(template.parent, admin, serverUrl, unfinished);
    else await admin.query(`CREATE DATABASE ${unfinished} TEMPLATE template0 ENCODING 'UTF8'`);
    await template.prepare(databaseUrl(serverUrl, unfinished));
    await admin.query(`ALTER DATABASE ${unfinished} RENAME TO ${template.name}`);
  } finally {
    await admin.query('SELECT pg_advisory_unlock(hashtext($1))', [template.name]);
  }
}

async function withGist(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query('CREATE EXTENSION btree_gist');
  } finally {
    await client.end();
  }
}
