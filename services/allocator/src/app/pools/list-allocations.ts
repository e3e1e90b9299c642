import { permitsFor } from '@berth/contracts';
import type { Pool } from '../../domain/pools/pool.ts';
import { resourceName } from '../../domain/pools/pool.ts';
import { pageTokenInvalid } from '../../domain/pools/pool-errors.ts';
import type { Caller } from '../commands.ts';
import { readPageToken, writePageToken } from '../page-token.ts';
import { findVisiblePool, type PoolReader } from './read-pools.ts';

/** Who holds a value. */
export type HolderKind = 'vm' | 'reserved' | 'planned' | 'quarantine' | 'foreign';

/** A value or a run of neighbours with its holder; what does not apply is empty. */
export interface HeldRun {
  readonly first: number;
  readonly last: number;
  /** Ports: which. */
  readonly space: 'address' | 'tcp' | 'udp' | 'rule';
  readonly externalIp: string;
  readonly holder: HolderKind;
  readonly vmId: string;
  /** Of a value at rest: the last holder's. */
  readonly vmName: string;
  readonly forward: string;
  readonly ownerGroup: string;
  readonly reservationId: string;
  /** Of a reservation its note, of a plan which, of others where it stands on the router. */
  readonly note: string;
  readonly until: Date | null;
}

/** Where a page ends: the value that the last run begins with, and its space. */
export interface AllocationPlace {
  readonly first: number;
  readonly space: HeldRun['space'];
}

export interface AllocationReader {
  /** What is held of a pool in the order of the values, tcp before udp, after a place; `holders` empty: by anybody. */
  page(
    pool: Pool,
    page: {
      readonly after: AllocationPlace | undefined;
      readonly size: number;
      readonly holders: readonly HolderKind[];
    },
  ): Promise<readonly (HeldRun & { readonly place: AllocationPlace })[]>;
}

const defaultPageSize = 500;
const maxPageSize = 1_000;
const spaces: readonly HeldRun['space'][] = ['address', 'tcp', 'udp', 'rule'];

/** A page of who holds what of a pool. `fitting`: how many of the first go into one answer. */
export async function listAllocations(
  deps: {
    readonly pools: PoolReader;
    readonly allocations: AllocationReader;
    readonly fitting: (runs: readonly HeldRun[], pool: Pool) => number;
  },
  caller: Caller,
  page: {
    readonly pool: string;
    readonly size: number;
    readonly token: string;
    readonly holders: readonly HolderKind[];
  },
): Promise<{ readonly pool: Pool; readonly runs: readonly HeldRun[]; readonly nextToken: string }> {
  const pool = await findVisiblePool(deps.pools, caller, page.pool, 'pool');
  const size = Math.min(page.size || defaultPageSize, maxPageSize);
  const bound = JSON.stringify([resourceName(pool), [...page.holders].sort()]);
  const after = toPlace(readPageToken(page.token, bound, 2));
  const found = await deps.allocations.page(pool, { after, size: size + 1, holders: page.holders });
  const runs = found.slice(0, size).map((run) => seenBy(caller, run));
  const count = deps.fitting(runs, pool);
  const place = found.length > count ? found[count - 1]?.place : undefined;
  const nextToken = place ? writePageToken([String(place.first), place.space], bound) : '';
  return { pool, runs: runs.slice(0, count), nextToken };
}

function toPlace(parts: readonly string[] | undefined): AllocationPlace | undefined {
  if (parts === undefined) return undefined;
  const [text = '', kind] = parts;
  const space = spaces.find((one) => one === kind);
  if (space === undefined || !/^\d{1,10}$/.test(text)) throw pageTokenInvalid();
  return { first: Number(text), space };
}

/** The same without what names VMs that the caller may not see. */
export function seenBy(caller: Caller, run: HeldRun): HeldRun {
  const isOwn = permitsFor(caller, 'vms:read', run.ownerGroup);
  const isOfGroup = run.holder === 'vm' || run.holder === 'planned' || run.holder === 'quarantine';
  if (isOwn || !isOfGroup) return run;
  return { ...run, vmId: '', vmName: '', forward: '', ownerGroup: '', note: '' };
}
