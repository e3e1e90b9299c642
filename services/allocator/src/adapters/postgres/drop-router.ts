import type { Sql } from '@berth/database';
import type { PoolChange } from '../../domain/pool-change.ts';
import type { Router } from '../../domain/router.ts';
import { applyPools } from './apply-pools.ts';
import { deriveForeign } from './foreign-store.ts';
import { poolsOf } from './pool-rows.ts';
import { postgresPools } from './pool-store.ts';

/**
 * Forgets a router that the driver does not manage any more: its place in the network, what others held there, and the settings' pools. A pool
 * stays of which something is held (by a VM whose change is about to be rejected), or that people made. The row itself stays, so that no
 * report from before brings the router back. Repeatable; needs the router's lock. Gives back what is to be told of.
 */
export async function dropRouter(sql: Sql, router: Router): Promise<PoolChange[]> {
  const pools = postgresPools(sql);
  const changes: PoolChange[] = [];
  for (const pool of await poolsOf(sql, [router.name])) {
    if (!pool.fromSettings || (await pools.heldOf(pool)).count > 0) continue;
    await pools.remove(pool);
    changes.push({ kind: 'deleted', pool, at: new Date() });
  }
  const name = [router.name];
  await sql.execute('DELETE FROM pool_seeds WHERE router = $1', name);
  await sql.execute(
    `UPDATE routers SET site = NULL, gateway = '', subnets = '[]', interfaces = '[]' WHERE name = $1`,
    name,
  );
  await sql.execute('DELETE FROM foreign_holdings WHERE router = $1', name);
  await applyPools(sql, { ...router, site: null, gateway: '', subnets: [], interfaces: [] });
  await deriveForeign(sql, router.name);
  return changes;
}
