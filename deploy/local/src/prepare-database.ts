import pg from 'pg';

/** A service that has tables: the same word names its schema, and its role after `berth_`. */
export const schemas = ['auth', 'allocator', 'vyos_driver'] as const;
export type Schema = (typeof schemas)[number];

/**
 * Brings an own Postgres to where the services start from: the database `berth`, in it btree_gist and a role for each
 * service that owns its schema. Safe to repeat. Answers each service's URL.
 */
export async function prepareOwnDatabase(superuserUrl: string, rolePassword: string): Promise<Record<Schema, string>> {
  await withClient(superuserUrl, async (client) => {
    const found = await client.query(`SELECT FROM pg_database WHERE datname = 'berth'`);
    if (found.rowCount === 0) await client.query('CREATE DATABASE berth');
  });
  const url = new URL(superuserUrl);
  url.pathname = '/berth';
  await withClient(url.href, async (client) => {
    await client.query('CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public');
    for (const schema of schemas) await makeRole(client, schema, rolePassword);
  });
  const urlOf = (schema: Schema) => {
    url.username = `berth_${schema}`;
    url.password = rolePassword;
    return url.href;
  };
  return { auth: urlOf('auth'), allocator: urlOf('allocator'), vyos_driver: urlOf('vyos_driver') };
}

/** A database that was given: the services share its role and are apart by schema only. */
export async function prepareGivenDatabase(databaseUrl: string): Promise<Record<Schema, string>> {
  if (!/^postgres(ql)?:/i.test(databaseUrl)) throw new Error('DATABASE_URL must begin with postgres://');
  await withClient(
    databaseUrl,
    async (client) => {
      try {
        await client.query('CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public');
        for (const schema of schemas) await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
      } catch (cause) {
        throw new Error(
          'The role of DATABASE_URL may not prepare the database: it has to create the extension btree_gist and the schemas ' +
            `${schemas.join(', ')}. Postgres says: ${cause instanceof Error ? cause.message : cause}`,
          { cause },
        );
      }
    },
    'the Postgres of DATABASE_URL',
  );
  return { auth: databaseUrl, allocator: databaseUrl, vyos_driver: databaseUrl };
}

async function makeRole(client: pg.Client, schema: Schema, password: string): Promise<void> {
  const role = `berth_${schema}`;
  const found = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  if (found.rowCount === 0) await client.query(`CREATE ROLE ${role} LOGIN`);
  await client.query(`ALTER ROLE ${role} PASSWORD ${client.escapeLiteral(password)}`);
  // Services ask for their schema with IF NOT EXISTS, for which Postgres wants the right to make one in any case.
  await client.query(`GRANT CREATE ON DATABASE berth TO ${role}`);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${role}`);
}

/** `name` is what people call that Postgres. */
async function withClient(url: string, work: (client: pg.Client) => Promise<void>, name = 'Postgres'): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
  } catch (cause) {
    // A name with several addresses fails with a code for all of them and no message.
    const why = cause instanceof Error ? cause.message || String(Reflect.get(cause, 'code')) : cause;
    throw new Error(`No connection to ${name}: ${why}`, { cause });
  }
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
