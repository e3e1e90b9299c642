import type { Sql } from '@berth/database';

/** How many routers' API keys are sealed with each master key, by its name. */
export async function sealedKeyCounts(sql: Sql): Promise<ReadonlyMap<string, number>> {
  const rows = await sql.query<{ sealed_with: string; keys: string }>(
    'SELECT sealed_with, count(*) AS keys FROM routers WHERE sealed_with IS NOT NULL GROUP BY sealed_with',
  );
  return new Map(rows.map(({ sealed_with, keys }) => [sealed_with, Number(keys)]));
}
