import type { Database } from '@berth/database';
import type { OwnedPath } from '../../../app/owned-paths.ts';
import { LeaseLost, type OwnedResource, type RouterRecord, type WaitingChange } from '../../../app/router-ledger.ts';
import type { CommitConfirm } from '../../../domain/batches/commit-confirm.ts';
import type { CostModel } from '../../../domain/batches/cost-model.ts';
import type { Fragment } from '../../../domain/changes/fragment.ts';
import type { Cause } from '../../../domain/changes/verdict.ts';
import type { ConfigTree } from '../../../domain/config-tree.ts';
import type { RouterPlace } from '../../../domain/inventory/inventory.ts';
import type { RouterState } from '../../../domain/routers/router-state.ts';
import { inTurns } from '../in-turns.ts';

/** What waits is counted up to so many times what is taken: more makes no difference to a batch. */
const countedTimes = 5;

const nothing: Fragment = { rules: [] };

/** What the ledger says of the router itself. Throws `LeaseLost` when it is not managed any more. */
export async function readRecord(database: Database, router: string): Promise<RouterRecord> {
  const [row] = await database.query<{
    state: RouterState;
    reason: string;
    version: string;
    profile: (RouterPlace & { readonly commitConfirm?: CommitConfirm }) | null;
    inventory_hash: string;
    cost_model: CostModel | null;
    applied_count: string;
    saved_count: string;
  }>('SELECT * FROM routers WHERE name = $1', [router]);
  if (row === undefined) throw new LeaseLost(`router ${router} is not managed any more`);
  return {
    state: row.state,
    reason: row.reason,
    version: row.version,
    place: row.profile ?? undefined,
    commitConfirm: row.profile?.commitConfirm,
    inventoryHash: row.inventory_hash,
    costModel: row.cost_model ?? undefined,
    appliedCount: BigInt(row.applied_count),
    savedCount: BigInt(row.saved_count),
  };
}

/** The changes that wait, at most `limit` of them, in turns by owner; and how many wait, counted up to a few times as many. */
export async function readWaiting(
  database: Database,
  router: string,
  limit: number,
): Promise<{ changes: readonly WaitingChange[]; total: number }> {
  const rows = await database.query<{
    resource_id: string;
    wanted_incarnation: string;
    wanted_number: string;
    wanted: Fragment | null;
    applied: Fragment | null;
    adopts: boolean;
    owner_group: string;
    causes: readonly Cause[];
    total: number;
  }>(
    `WITH RECURSIVE ${inTurns('$2')}
     SELECT resource_id, wanted_incarnation, wanted_number, wanted, applied, adopts, owner_group, causes,
       (SELECT count(*) FROM (SELECT FROM resources WHERE router = $1 AND waiting LIMIT $3) AS counted)::integer AS total
     FROM in_turns JOIN resources USING (resource_id) WHERE router = $1 ORDER BY turn, in_turns.queued`,
    [router, limit, countedTimes * limit],
  );
  const changes = rows.map((row) => ({
    resourceId: row.resource_id,
    revision: { incarnation: BigInt(row.wanted_incarnation), number: BigInt(row.wanted_number) },
    wanted: row.wanted ?? nothing,
    applied: row.applied ?? nothing,
    adopts: row.adopts,
    ownerGroup: row.owner_group,
    causes: row.causes,
  }));
  return { changes, total: rows[0]?.total ?? 0 };
}

/** Resources of which something stands on the router, or may. */
export async function readOwnedResources(database: Database, router: string): Promise<readonly OwnedResource[]> {
  const rows = await database.query<{
    resource_id: string;
    applied: Fragment | null;
    applied_incarnation: string;
    applied_number: string;
    owner_group: string;
  }>(
    `SELECT resource_id, applied, applied_incarnation, applied_number, owner_group FROM resources
     WHERE router = $1 AND (applied IS NOT NULL
       OR EXISTS (SELECT FROM owned_paths AS path WHERE path.router = $1 AND path.resource_id = resources.resource_id))
     ORDER BY resource_id`,
    [router],
  );
  return rows.map((row) => ({
    resourceId: row.resource_id,
    applied: row.applied ?? nothing,
    appliedRevision: { incarnation: BigInt(row.applied_incarnation), number: BigInt(row.applied_number) },
    ownerGroup: row.owner_group,
  }));
}

/** The router's paths that are ours, or were a moment ago. */
export async function readOwnedPaths(database: Database, router: string): Promise<readonly OwnedPath[]> {
  const rows = await database.query<{
    path: string;
    resource_id: string;
    released_at: string | null;
    released_content: readonly ConfigTree[] | null;
  }>('SELECT path, resource_id, released_at, released_content FROM owned_paths WHERE router = $1', [router]);
  return rows.map(({ path, resource_id, released_at, released_content }) => ({
    key: path,
    resourceId: resource_id,
    ...(released_at === null ? {} : { released: { at: BigInt(released_at), contents: released_content ?? [] } }),
  }));
}
