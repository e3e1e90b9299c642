import type { Pool } from 'pg';

/**
 * Makes the schema where it is missing and runs `up`, one process at a time. The migrator takes no lock of its own: replicas that
 * start together would run the same statements. The lock is the session's, so a process that dies gives it back.
 */
export async function migrateInTurn(pool: Pool, schema: string, up: () => Promise<unknown>): Promise<void> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('SELECT pg_advisory_lock(hashtextextended($1, 0))', [`migrate:${schema}`]);
    // Asked first, because CREATE … IF NOT EXISTS wants the right to create even where the schema is there.
    const { rowCount } = await client.query('SELECT FROM pg_namespace WHERE nspname = $1', [schema]);
    if (rowCount === 0) await client.query(`CREATE SCHEMA ${schema}`);
    await up();
  } finally {
    await client.query('SELECT pg_advisory_unlock_all()').catch((error: Error) => {
      broken = error; // a lost connection has lost its lock too, and must not go back into the pool
    });
    client.release(broken);
  }
}
