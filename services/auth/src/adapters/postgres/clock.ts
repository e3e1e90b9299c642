import type { Sql } from '@berth/database';

/** The database's clock, with the precision that JavaScript has. */
export async function clockOf(sql: Sql): Promise<Date> {
  const [row] = await sql.query<{ now: string }>('SELECT clock_timestamp()::timestamptz(3) AS now');
  if (row === undefined) throw new Error('the database has no clock');
  return new Date(row.now);
}
