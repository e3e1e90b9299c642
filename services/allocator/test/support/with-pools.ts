import { applyPools } from '../../src/adapters/postgres/pools/apply-pools.ts';
import { lockRouters } from '../../src/adapters/postgres/router-rows.ts';
import { parseAddressRange } from '../../src/domain/ipv4.ts';
import type { NumberRange } from '../../src/domain/number-range.ts';
import type { IpPoolSpec, PoolState, PortPoolSpec, RulePoolSpec } from '../../src/domain/pools/pool.ts';
import type { World } from './world.ts';

/** A pool as a test describes it; what is left out is empty. */
export type PoolInit = { readonly name: string; readonly groups?: string[]; readonly defaultFor?: string[] } & (
  | ({ readonly kind: 'ip-pools' } & Partial<Omit<IpPoolSpec, 'kind'>>)
  | ({ readonly kind: 'port-pools' } & Partial<Omit<PortPoolSpec, 'kind'>>)
  | ({ readonly kind: 'rule-pools' } & Partial<Omit<RulePoolSpec, 'kind'>>)
);

/** A range of addresses such as "10.0.5.1-10.0.5.9". */
export function addresses(text: string): NumberRange {
  const range = parseAddressRange(text);
  if (range === undefined) throw new Error(`${text} is no range`);
  return range;
}

/** Works on the rows of the router's pools under its lock, then has them applied. */
export const changePools = (
  world: World,
  work: (query: (text: string, values?: readonly unknown[]) => Promise<unknown>) => Promise<unknown>,
  name = 'default',
): Promise<void> =>
  world.database.transaction(async (sql) => {
    const router = (await lockRouters(sql, [name])).get(name);
    if (router === undefined) throw new Error(`there is no router ${name}`);
    await work((text, values) => sql.query(text, values));
    await applyPools(sql, router);
  });

export const addPool = (world: World, { name, groups = [], defaultFor = [], ...spec }: PoolInit): Promise<void> =>
  changePools(world, async (query) => {
    await query("INSERT INTO pools (kind, name, router, groups, spec) VALUES ($1, $2, 'default', $3, $4)", [
      spec.kind,
      name,
      groups,
      JSON.stringify(spec),
    ]);
    await query(
      `INSERT INTO pool_defaults (router, kind, group_name, pool_id)
       SELECT router, kind, unnest($3::text[]), id FROM pools WHERE kind = $1 AND name = $2
       ON CONFLICT (router, kind, group_name) DO UPDATE SET pool_id = excluded.pool_id`,
      [spec.kind, name, defaultFor],
    );
  });

/** Takes the values out of the settings' pool, as an administrator would before another pool gets them. */
export const shrinkDefault = (world: World, kind: string, spec: Record<string, unknown>): Promise<void> =>
  changePools(world, (query) =>
    query(
      "UPDATE pools SET spec = spec || $2, from_settings = false, version = version + 1 WHERE kind = $1 AND name = 'default'",
      [kind, JSON.stringify(spec)],
    ),
  );

export const setState = (world: World, kind: string, name: string, state: PoolState): Promise<void> =>
  changePools(world, (query) =>
    query('UPDATE pools SET state = $3, from_settings = false WHERE kind = $1 AND name = $2', [kind, name, state]),
  );

/** Free spans and allocations together name every number of every segment exactly once; for pools of up to some thousand numbers. */
export const numbersOutOfStep = (world: World): Promise<unknown[]> =>
  world.query(
    `SELECT g.id, n FROM segments g JOIN segment_ranges r ON r.segment_id = g.id, generate_series(lower(r.span), upper(r.span) - 1) n
     WHERE g.pool_id IS NOT NULL AND (SELECT count(*) FROM free_spans f WHERE f.segment_id = g.id AND n BETWEEN f.first AND f.last)
         + (SELECT count(*) FROM allocations a WHERE a.space_id = g.space_id AND a.held @> n) <> 1
       LIMIT 5`,
  );
