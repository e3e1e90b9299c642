import { unknownPool } from '../errors.ts';
import type { PoolRef, RouterSite } from '../vms/vm.ts';
import type { PoolKind, PoolState } from './pool.ts';

/** What choosing needs to know of a pool; not its ranges, which may be many. */
export interface OfferedPool {
  readonly id: string;
  readonly kind: PoolKind;
  readonly name: string;
  readonly router: string;
  /** Those whose VMs may have values from it; empty: all. */
  readonly groups: readonly string[];
  readonly state: PoolState;
  /** The part of its VMs' place in the network that it decides. */
  readonly site: Partial<RouterSite>;
  /** Ports: those of which it has any. */
  readonly protocols: readonly ('tcp' | 'udp')[];
}

/** Whose VMs that name no pool get their values from it; the group is empty for those without a default of their own. */
export interface PoolDefault {
  readonly router: string;
  readonly kind: PoolKind;
  readonly group: string;
  readonly poolId: string;
}

/** Where values of one kind come from. */
export interface Source {
  /** Undefined: none is the default. What is of no pool may still be had, by its range. */
  readonly pool: OfferedPool | undefined;
  /** The caller named the pool: what is not of it is not wanted. */
  readonly only: boolean;
}

/** As people name it: "ip-pools/edge". */
export const nameOf = ({ kind, name }: Pick<OfferedPool, 'kind' | 'name'>): string => `${kind}/${name}`;

const mayUse = ({ groups }: OfferedPool, group: string): boolean => groups.length === 0 || groups.includes(group);

/** The pools of some routers, and which of them are defaults. */
export class PoolDirectory {
  readonly #pools: readonly OfferedPool[];
  readonly #defaults: readonly PoolDefault[];

  constructor(pools: readonly OfferedPool[], defaults: readonly PoolDefault[]) {
    this.#pools = pools;
    this.#defaults = defaults;
  }

  byId(id: string): OfferedPool | undefined {
    return this.#pools.find((pool) => pool.id === id);
  }

  /** The pool that was remembered: by its id, or where that is gone or not known, by its kind and name. */
  known(router: string, { id, name }: PoolRef): OfferedPool | undefined {
    return this.byId(id) ?? this.#pools.find((pool) => pool.router === router && nameOf(pool) === name);
  }

  onRouter(router: string): OfferedPool[] {
    return this.#pools.filter((pool) => pool.router === router);
  }

  /** The pool that VMs of this group get their values from when they name none. */
  defaultFor(router: string, kind: PoolKind, group: string): OfferedPool | undefined {
    const rows = this.#defaults.filter((one) => one.router === router && one.kind === kind);
    const row = rows.find((one) => one.group === group) ?? rows.find((one) => one.group === '');
    const pool = row && this.byId(row.poolId);
    return pool && mayUse(pool, group) ? pool : undefined;
  }

  /** Where a VM of this group gets its values of a kind; `named` as the caller wrote it. Throws UNKNOWN_POOL, naming the field. */
  source(
    { router, group }: { readonly router: string; readonly group: string },
    kind: PoolKind,
    named: string,
    field: string,
  ): Source {
    const wanted = bareName(kind, named);
    const pool = this.#pools.find((one) => one.router === router && one.kind === kind && one.name === wanted);
    if (pool && mayUse(pool, group)) return { pool, only: true };
    // "default" has always meant the default, whatever that is called.
    if (!['', 'default'].includes(named)) throw unknownPool(field, named);
    return { pool: this.defaultFor(router, kind, group), only: false };
  }
}

/** "edge" and "ip-pools/edge" mean the same pool. */
export const bareName = (kind: PoolKind, named: string): string =>
  named.startsWith(`${kind}/`) ? named.slice(kind.length + 1) : named;
