import type { Sql } from '@berth/database';
import type { PoolKind, PoolState } from '../../../domain/pools/pool.ts';
import { type OfferedPool, PoolDirectory } from '../../../domain/pools/pool-directory.ts';
import { protocolsOf } from '../../../domain/pools/pool-segments.ts';

/** The pools that a VM may get its values from, and the defaults, without their ranges. */
export async function readPoolDirectory(sql: Sql, routers: readonly string[]): Promise<PoolDirectory> {
  const rows = await sql.query<{
    id: string;
    kind: PoolKind;
    name: string;
    router: string;
    groups: string[];
    state: PoolState;
    site: OfferedPool['site'];
    protocols: OfferedPool['protocols'] | null;
    default_of: string[] | null;
  }>(
    `SELECT id, kind, name, router, groups, state, site, spec -> 'protocols' AS protocols,
       (SELECT json_agg(d.group_name) FROM pool_defaults d WHERE d.pool_id = pools.id) AS default_of
     FROM pools WHERE router = ANY($1)`,
    [routers],
  );
  const pools = rows.map(({ protocols, default_of, ...row }) => ({
    ...row,
    protocols: protocolsOf({ protocols: protocols ?? [] }),
  }));
  const defaults = rows.flatMap(({ id, router, kind, default_of }) =>
    (default_of ?? []).map((group) => ({ router, kind, group, poolId: id })),
  );
  return new PoolDirectory(pools, defaults);
}

/** The routers of pools by kind and name. */
export async function routersOfPools(sql: Sql, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await sql.query<{ name: string; router: string }>(
    `SELECT kind || '/' || name AS name, router FROM pools
     WHERE (kind, name) IN (SELECT split_part(n, '/', 1), substr(n, strpos(n, '/') + 1) FROM unnest($1::text[]) n)`,
    [names],
  );
  return new Map(rows.map(({ name, router }) => [name, router]));
}
