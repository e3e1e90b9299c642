import type { Database } from '@berth/database';

/** What would be lost with a router. */
export interface RouterUse {
  readonly vms: number;
  /** Those that people made or changed: `ip-pools/edge`. */
  readonly pools: string[];
  readonly reservations: number;
}

/** What VMs, pools and reservations there are on a router. */
export async function readRouterUse(database: Database, router: string): Promise<RouterUse> {
  const [use] = await database.query<RouterUse>(
    `SELECT (SELECT count(*)::int FROM vms WHERE router = $1 AND state NOT IN ('failed', 'removed')) AS vms,
       ARRAY(SELECT kind || '/' || name FROM pools WHERE router = $1 AND NOT from_settings ORDER BY 1) AS pools,
       (SELECT count(*)::int FROM reservations r JOIN pools p ON p.id = r.pool_id WHERE p.router = $1) AS reservations`,
    [router],
  );
  return use ?? { vms: 0, pools: [], reservations: 0 };
}
