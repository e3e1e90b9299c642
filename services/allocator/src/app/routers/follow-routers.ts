import { type PoolSettings, poolsFromSettings } from '../../domain/pools/default-pools.ts';
import type { ForeignConflict, ForeignValue, RouterReport, RouterStore } from '../ports.ts';

export interface FollowDeps {
  readonly routers: RouterStore;
  /** Fetches all of the driver's newest inventory of a router. */
  readonly fetchInventory: (router: string) => Promise<{ number: bigint; values: readonly ForeignValue[] }>;
  readonly pools: PoolSettings;
  readonly onConflicts: (router: string, conflicts: readonly ForeignConflict[]) => void;
}

/** Takes in how routers stand; older reports than the known one change nothing. */
export async function takeReports(deps: FollowDeps, reports: readonly RouterReport[]): Promise<void> {
  const newest = new Map<string, RouterReport>();
  for (const report of reports) {
    const known = newest.get(report.name);
    const newer =
      !known || report.epoch > known.epoch || (report.epoch === known.epoch && report.sequence > known.sequence);
    if (newer) newest.set(report.name, report);
  }
  await deps.routers.report([...newest.values()], poolsFromSettings(deps.pools));
}

/** Makes the settings' pools of all known routers, and what follows from them. */
export async function reconcileAllPools(deps: FollowDeps): Promise<void> {
  for (const { name } of await deps.routers.all())
    await deps.routers.reconcilePools(name, poolsFromSettings(deps.pools));
}

/** Forgets what removed routers left because something was still held there. */
export async function forgetRemoved(deps: FollowDeps): Promise<void> {
  for (const name of await deps.routers.toDrop())
    await deps.routers.reconcilePools(name, poolsFromSettings(deps.pools));
}

/** Fetches what others hold on routers of which a newer inventory was told than the one we have. */
export async function catchUpInventories(deps: FollowDeps): Promise<void> {
  for (const { name, inventory, inventoryLoaded, site } of await deps.routers.all()) {
    if (inventory <= inventoryLoaded || site === null) continue;
    const { number, values } = await deps.fetchInventory(name);
    const conflicts = await deps.routers.replaceForeign(name, number, values);
    if (conflicts.length > 0) deps.onConflicts(name, conflicts);
  }
}
