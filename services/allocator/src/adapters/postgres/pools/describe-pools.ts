import type { Sql } from '@berth/database';
import type { DescribedPool } from '../../../app/pools/pool-ports.ts';
import { lintPool } from '../../../domain/pools/lint-pool.ts';
import type { Pool } from '../../../domain/pools/pool.ts';
import { gaveWay } from '../../../domain/pools/pool-segments.ts';
import { useOf } from '../../../domain/pools/pool-use.ts';
import { routersByName } from '../router-rows.ts';
import { countsOf, foreignFacts, recentSamples, segmentsOfPools } from './pool-use.ts';

/** Use and warnings of pools: the same number of statements for a whole page of them. */
export async function describePools(sql: Sql, pools: readonly Pool[]): Promise<DescribedPool[]> {
  if (pools.length === 0) return [];
  const ids = pools.map(({ id }) => id);
  const counts = await countsOf(sql, ids);
  const samples = await recentSamples(sql, ids);
  const foreign = await foreignFacts(sql, ids);
  const segments = await segmentsOfPools(sql, ids);
  const routers = await routersByName(
    sql,
    pools.map(({ router }) => router),
  );
  const now = new Date();
  return pools.flatMap((pool) => {
    const [count, router] = [counts.get(pool.id), routers.get(pool.router)];
    if (!count || !router) return []; // removed meanwhile
    const { reached, ...numbers } = count;
    const alerts = { alertThresholds: pool.alertThresholds, reachedBefore: reached };
    const use = useOf(numbers, alerts, samples.get(pool.id) ?? [], now);
    const given = gaveWay(pool, router, segments.get(pool.id) ?? []);
    return [
      { pool, use, warnings: lintPool(pool, router, { foreign: foreign.get(pool.id) ?? [], gaveWay: given, use }) },
    ];
  });
}
