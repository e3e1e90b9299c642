import type { Sql } from '@berth/database';
import type { PoolChange } from '../../../domain/pools/pool-change.ts';
import type { Router } from '../../../domain/routers/router.ts';
import { endDuePlans } from '../plans/plan-holds.ts';
import { applyPools } from '../pools/apply-pools.ts';
import { poolsOf } from '../pools/pool-rows.ts';
import { postgresPools } from '../pools/pool-store.ts';
import { deriveForeign } from '../values/foreign-store.ts';

/**
 * Forgets a router that the driver does not manage any more: its place in the network, what others held there, and the settings' pools. A pool
 * stays of which something is held (by a VM whose change is about to be rejected, or by a plan that is about to be ended), until it is not, or that people made. The row itself stays, so that no
 * report from before brings the router back. Repeatable; needs the router's lock. Gives back what is to be told of.
 */
export async function dropRouter(sql: Sql, router: Router): Promise<PoolChange[]> {
  await endDuePlans(sql, [router.name]); // those over other routers too are ended by the next sweep, under all locks
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

/** Removed routers that have pools of the settings left, and nothing any more that kept them. */
export async function routersToDrop(sql: Sql): Promise<string[]> {
  const rows = await sql.query<{ name: string }>(
    `SELECT r.name FROM routers r WHERE r.state = 'removed'
       AND EXISTS (SELECT FROM pools p WHERE p.router = r.name AND p.from_settings
         AND NOT EXISTS (SELECT FROM reservations v WHERE v.pool_id = p.id))
       AND NOT EXISTS (SELECT FROM allocations a JOIN spaces s ON s.id = a.space_id
         WHERE s.router = r.name AND a.kind IN ('vm', 'planned'))`,
  );
  return rows.map(({ name }) => name);
}
