import { groupsWhere, requirePermission, standingAmong } from '@berth/contracts';
import type { Pool, PoolKind } from '../../domain/pools/pool.ts';
import { poolKinds } from '../../domain/pools/pool.ts';
import { poolNotFound } from '../../domain/pools/pool-errors.ts';
import { invalidFields } from '../../domain/pools/validate-pool.ts';
import type { Caller } from '../commands.ts';
import { readPageToken, writePageToken } from '../page-token.ts';
import type { DescribedPool } from './pool-ports.ts';
import { readName } from './write-pools.ts';

/** Which pools of all to read. What is empty does not narrow it. */
export interface PoolFilter {
  readonly kind: PoolKind | '';
  readonly router: string;
  /** Those that VMs of this group may have values from. */
  readonly group: string;
  /** The groups whose pools are shown beside those for all; `all`: whomever they are for. */
  readonly visibleTo: 'all' | readonly string[];
}

/** Reads what has been committed. */
export interface PoolReader {
  pool(kind: PoolKind, name: string): Promise<Pool | undefined>;
  /** Pools in the order of kind and name, with the revision that the same look at the database saw. */
  page(page: {
    readonly filter: PoolFilter;
    readonly after: readonly [string, string] | undefined;
    readonly size: number;
  }): Promise<{ readonly pools: readonly Pool[]; readonly revision: string }>;
  describe(pools: readonly Pool[]): Promise<readonly DescribedPool[]>;
}

const defaultPageSize = 100;
const maxPageSize = 1_000;

/** Whether a caller may see a pool: it is for all, or for one of the groups whose pools it may see. */
export const seesPool = (caller: Caller, { groups }: Pick<Pool, 'groups'>): boolean =>
  standingAmong(caller, { groups, verb: 'pools:read', reading: 'pools:read' }) !== 'hidden';

/** A pool that the caller may see; others do not exist for it. */
export async function findVisiblePool(reader: PoolReader, caller: Caller, name: string, field = 'name'): Promise<Pool> {
  requirePermission(caller, 'pools:read');
  const { kind, id } = readName(name, field);
  const pool = await reader.pool(kind, id);
  if (pool === undefined || !seesPool(caller, pool)) throw poolNotFound(name);
  return pool;
}

export async function getPool(reader: PoolReader, caller: Caller, name: string): Promise<DescribedPool> {
  const [described] = await reader.describe([await findVisiblePool(reader, caller, name)]);
  if (described === undefined) throw poolNotFound(name); // removed right now
  return described;
}

/** A page of the pools that the caller may see. `fitting`: how many of the first go into one answer. */
export async function listPools(
  { reader, fitting }: { readonly reader: PoolReader; readonly fitting: (pools: readonly DescribedPool[]) => number },
  caller: Caller,
  page: {
    readonly size: number;
    readonly token: string;
    readonly kind: string;
    readonly router: string;
    readonly group: string;
  },
): Promise<{ readonly pools: readonly DescribedPool[]; readonly nextToken: string; readonly revision: string }> {
  requirePermission(caller, 'pools:read');
  const kind = readKind(page.kind);
  const size = Math.min(page.size || defaultPageSize, maxPageSize);
  const visibleTo = groupsWhere(caller, 'pools:read');
  const bound = JSON.stringify([kind, page.router, page.group, visibleTo]);
  const [afterKind, afterName] = readPageToken(page.token, bound, 2) ?? [];
  const after = afterKind !== undefined && afterName !== undefined ? ([afterKind, afterName] as const) : undefined;
  // one more than the page tells whether there is another
  const found = await reader.page({
    filter: { kind, router: page.router, group: page.group, visibleTo },
    after,
    size: size + 1,
  });
  const described = await reader.describe(found.pools.slice(0, size));
  const pools = described.slice(0, fitting(described));
  const lastRead = found.pools.length > size ? found.pools[size - 1] : undefined;
  const last = pools.length < described.length ? pools.at(-1)?.pool : lastRead;
  const nextToken = last ? writePageToken([last.spec.kind, last.name], bound) : '';
  return { pools, nextToken, revision: found.revision };
}

/** A kind of pools by its name; empty: all. */
export function readKind(text: string): PoolKind | '' {
  const kind = text === '' ? '' : poolKinds.find((known) => known === text);
  if (kind === undefined) throw invalidFields([{ field: 'kind', message: `must be ${poolKinds.join(', ')}` }]);
  return kind;
}
