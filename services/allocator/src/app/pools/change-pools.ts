import { isDeepStrictEqual } from 'node:util';
import { permitsFor, permitsForAll, standingAmong } from '@berth/contracts';
import { DomainError, type FieldError } from '@berth/errors';
import { hiddenOverlap } from '../../domain/errors.ts';
import { formatIpv4 } from '../../domain/ipv4.ts';
import { misplaced } from '../../domain/pools/place-pool.ts';
import { type Pool, type PoolState, resourceName } from '../../domain/pools/pool.ts';
import type { PoolDraft } from '../../domain/pools/pool-draft.ts';
import { poolInUse, poolNameTaken, poolWriteForbidden, versionMismatch } from '../../domain/pools/pool-errors.ts';
import { type CheckedPool, checkPool, invalidFields, parsePoolName } from '../../domain/pools/validate-pool.ts';
import type { Router } from '../../domain/routers/router.ts';
import type { Caller } from '../commands.ts';
import { assertGroups, type KnownGroups } from '../known-groups.ts';
import type { DescribedPool, HeldValue, HeldValues, PoolBooks, PoolSegments } from './pool-ports.ts';
import { assertMayWriteFor, lockPool, lockRouter, type PoolWrite } from './write-pools.ts';

/** Makes a pool. Throws for each wrong field, a taken name, values of another pool that people made, and held ones of the settings' pool. */
export async function createPool(
  books: PoolBooks,
  write: PoolWrite,
  wish: {
    readonly draft: PoolDraft;
    readonly defaultRouter: string;
    readonly id: string;
    readonly groups: KnownGroups;
  },
): Promise<DescribedPool> {
  const checked = checkPool({ ...wish.draft, router: wish.draft.router || wish.defaultRouter });
  assertMayWriteFor(write.caller, checked.groups);
  assertGroups(wish.groups, 'groups', checked.groups);
  const { router, now } = await lockRouter(books, checked.router, write, wish.defaultRouter);
  refuse(misplaced(checked.spec, router));
  const times = { createdAt: now, updatedAt: now };
  const pool: Pool = { ...checked, id: wish.id, fromSettings: false, version: 1, ...times };
  if (!(await books.pools.insert(pool))) throw poolNameTaken(resourceName(pool));
  const displaced = pool.isDefault ? await books.pools.takeDefaults(pool) : [];
  await applyWritten(books, write, router, pool);
  books.tell({ kind: 'created', pool, at: now });
  tellDisplaced(books, displaced, now);
  return described(books, pool);
}

/** How a pool is to change. */
export interface PoolUpdate {
  /** "ip-pools/edge". */
  readonly name: string;
  /** 0: whatever it is. */
  readonly ifVersion: number;
  /** The pool as it shall be. */
  readonly merge: (pool: Pool) => PoolDraft;
  /** The caller names it as the default, also where it is one for some of its groups already. */
  readonly claimsDefault: boolean;
  readonly groups: KnownGroups;
}

/** Changes a pool. What VMs and reservations hold stays in it, or all stays as it was. What changes nothing is no change. */
export async function updatePool(books: PoolBooks, write: PoolWrite, update: PoolUpdate): Promise<DescribedPool> {
  const { pool, router, now } = await lockPool(books, update.name, write);
  if (update.ifVersion !== 0 && update.ifVersion !== pool.version) throw versionMismatch(update.name);
  const checked = checkPool(update.merge(pool));
  assertMayWriteFor(write.caller, checked.groups);
  // One that is gone may stay: a pool whose group was removed is changed like any other.
  assertGroups(
    update.groups,
    'groups',
    checked.groups.filter((name) => !pool.groups.includes(name)),
  );
  if (checked.router !== pool.router) refuse([{ field: 'router', message: 'cannot be changed' }]);
  const isSame = isDeepStrictEqual(checked, partsOf(pool));
  if (isSame && !update.claimsDefault) return described(books, pool);
  const movesValues = !isDeepStrictEqual(checked.spec, pool.spec);
  if (movesValues) refuse(misplaced(checked.spec, router));
  const fromSettings = pool.fromSettings && !movesValues;
  const next: Pool = { ...pool, ...checked, fromSettings, version: pool.version + 1, updatedAt: now };
  const before = await books.pools.segmentsOf(pool);
  const displaced = await settleDefaults(books, pool, next, update.claimsDefault);
  if (isSame && displaced.length === 0) return described(books, pool);
  await books.pools.replace(next);
  if (movesValues) {
    await applyWritten(books, write, router, next);
    const lost = await books.pools.heldOutside(next, before);
    if (lost.count > 0) throw inUse(write.caller, pool, 'Values that are held cannot leave the pool:', lost);
  }
  books.tell({ kind: 'updated', pool: next, before: pool, at: now });
  tellDisplaced(books, displaced, now);
  return described(books, next);
}

/** Sets whether a pool hands out values. A repeat changes nothing. */
export async function setPoolState(
  books: PoolBooks,
  write: PoolWrite,
  name: string,
  state: PoolState,
): Promise<DescribedPool> {
  const { pool, now } = await lockPool(books, name, write);
  if (pool.state === state) return described(books, pool);
  const next: Pool = { ...pool, state, version: pool.version + 1, updatedAt: now };
  await books.pools.replace(next);
  books.tell({ kind: 'updated', pool: next, before: pool, at: now });
  return described(books, next);
}

/** Removes a pool of which nothing is held or reserved. */
export async function deletePool(
  books: PoolBooks,
  write: PoolWrite,
  { name, ifVersion }: { readonly name: string; readonly ifVersion: number },
): Promise<void> {
  const { pool, router, now } = await lockPool(books, name, write);
  if (ifVersion !== 0 && ifVersion !== pool.version) throw versionMismatch(name);
  const held = await books.pools.heldOf(pool);
  if (held.count > 0) throw inUse(write.caller, pool, 'The pool is in use:', held);
  await books.pools.remove(pool);
  await books.pools.apply(router);
  books.tell({ kind: 'deleted', pool, at: now });
}

/**
 * The settings' pool makes room for what was written, but not of what VMs and reservations hold; and not for who may not change that pool, since
 * what it loses is no more for all.
 */
async function applyWritten(books: PoolBooks, { caller }: PoolWrite, router: Router, written: Pool): Promise<void> {
  const settings = await books.pools.keptBySettings(router.name, written.spec.kind);
  const before = settings && (await books.pools.segmentsOf(settings));
  await books.pools.apply(router, written).catch(async (error: unknown) => {
    throw await overlapAsSeen(books, caller, { error, written });
  });
  if (!settings || !before || settings.id === written.id) return;
  const mayTake = permitsForAll(caller, 'pools:write', settings.groups);
  if (!mayTake && losesValues(before, await books.pools.segmentsOf(settings)))
    throw poolWriteForbidden(settings.groups);
  const lost = await books.pools.heldOutside(settings, before);
  if (lost.count > 0) throw inUse(caller, settings, 'Values that are held cannot leave the pool:', lost);
}

/** That others' pool has a value shows, and not which pool it is. */
async function overlapAsSeen(
  books: PoolBooks,
  caller: Caller,
  { error, written }: { readonly error: unknown; readonly written: Pool },
): Promise<unknown> {
  if (!(error instanceof DomainError) || error.code !== 'POOL_OVERLAP') return error;
  const own = resourceName(written);
  const names = Array.isArray(error.details['pools']) ? error.details['pools'].map(String) : [];
  const other = parsePoolName(names.find((name) => name !== own) ?? '');
  const rival = other && (await books.pools.find(other.kind, other.id));
  const reading = { verb: 'pools:read', reading: 'pools:read' } as const;
  const isShown = rival !== undefined && standingAmong(caller, { groups: rival.groups, ...reading }) !== 'hidden';
  return isShown ? error : hiddenOverlap(own);
}

/** Whether there was a value that is not there any more. */
function losesValues(before: PoolSegments, after: PoolSegments): boolean {
  const left = new Map(after.map(({ spaceId, spans }) => [spaceId, rangesOf(spans)]));
  return before.some(({ spaceId, spans }) =>
    rangesOf(spans).some(({ from, to }) => !left.get(spaceId)?.some((range) => range.from <= from && to <= range.to)),
  );
}

/** The ranges of a multirange as Postgres writes it: "{[1,5),[7,9)}". */
const rangesOf = (spans: string): { readonly from: bigint; readonly to: bigint }[] =>
  [...spans.matchAll(/\[(\d+),(\d+)\)/g)].map(([, from = '', to = '']) => ({ from: BigInt(from), to: BigInt(to) }));

function refuse(fields: readonly FieldError[]): void {
  if (fields.length > 0) throw invalidFields(fields);
}

async function described(books: PoolBooks, pool: Pool): Promise<DescribedPool> {
  const [one] = await books.describe([pool]);
  if (one === undefined) throw new Error('a pool vanished');
  return one;
}

const partsOf = (pool: Pool): CheckedPool => {
  const { name, router, description, groups, isDefault, alertThresholds, state, spec } = pool;
  return { name, router, description, groups, isDefault, alertThresholds, state, spec };
};

function settleDefaults(books: PoolBooks, before: Pool, after: Pool, claims: boolean): Promise<readonly Pool[]> {
  return after.isDefault && (claims || !before.isDefault || !isDeepStrictEqual(before.groups, after.groups))
    ? books.pools.takeDefaults(after)
    : dropped(books, before, after);
}

/** They were defaults, and may still be for some of their groups. */
function tellDisplaced(books: PoolBooks, displaced: readonly Pool[], at: Date): void {
  for (const pool of displaced) {
    books.tell({ kind: 'updated', pool, before: { ...pool, isDefault: true, version: pool.version - 1 }, at });
  }
}

async function dropped(books: PoolBooks, before: Pool, after: Pool): Promise<readonly Pool[]> {
  if (before.isDefault && !after.isDefault) await books.pools.dropDefaults(after);
  return [];
}

/** A VM that the caller may not see is not named, nor is a plan of one. */
function holderAsSeen(caller: Caller, { kind, holder, ownerGroup }: HeldValue): string {
  if (kind === 'reserved' || permitsFor(caller, 'vms:read', ownerGroup)) return holder;
  return kind === 'vm' ? 'a VM' : 'a plan';
}

function inUse(caller: Caller, pool: Pool, what: string, { count, examples }: HeldValues) {
  const value = (number: number) => (pool.spec.kind === 'ip-pools' ? formatIpv4(number) : String(number));
  const texts = examples.map((held) => {
    const { first, last } = held;
    return `${first === last ? value(first) : `${value(first)}-${value(last)}`} (${holderAsSeen(caller, held)})`;
  });
  return poolInUse(resourceName(pool), what, count, texts);
}
