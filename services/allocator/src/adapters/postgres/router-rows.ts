import type { Sql } from '@berth/database';
import type { Router } from '../../domain/routers/router.ts';

interface RouterRow {
  readonly name: string;
  readonly state: Router['state'];
  readonly retry_after_seconds: number;
  readonly reason: string;
  readonly site: Router['site'];
  readonly gateway: string;
  readonly subnets: Router['subnets'];
  readonly interfaces: Router['interfaces'];
  readonly inventory: string;
  readonly inventory_loaded: string;
}

const toRouter = (row: RouterRow): Router => ({
  name: row.name,
  state: row.state,
  retryAfterSeconds: row.retry_after_seconds,
  reason: row.reason,
  site: row.site,
  gateway: row.gateway,
  subnets: row.subnets,
  interfaces: row.interfaces,
  inventory: BigInt(row.inventory),
  inventoryLoaded: BigInt(row.inventory_loaded),
});

export const allRouters = async (sql: Sql): Promise<Router[]> =>
  (await sql.query<RouterRow>('SELECT * FROM routers ORDER BY name')).map(toRouter);

/** These routers, without a lock. */
export async function routersByName(sql: Sql, names: readonly string[]): Promise<ReadonlyMap<string, Router>> {
  const rows = await sql.query<RouterRow>('SELECT * FROM routers WHERE name = ANY($1)', [names]);
  return new Map(rows.map((row) => [row.name, toRouter(row)]));
}

/**
 * Locks these routers in the order of their names, whoever asks: so nobody waits in a circle. All that a router hands out, and every VM on
 * it, changes under this lock only.
 */
export async function lockRouters(sql: Sql, names: readonly string[]): Promise<Map<string, Router>> {
  const rows = await sql.query<RouterRow>(
    'SELECT * FROM routers WHERE name = ANY($1) ORDER BY name FOR NO KEY UPDATE',
    [names],
  );
  return new Map(rows.map((row) => [row.name, toRouter(row)]));
}
