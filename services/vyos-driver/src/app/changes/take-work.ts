import { chooseBatch } from '../../domain/batches/choose-batch.ts';
import { estimateMs } from '../../domain/batches/cost-model.ts';
import type { Fragment } from '../../domain/changes/fragment.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import { planChanges } from '../../domain/changes/plan-changes.ts';
import type { Revision } from '../../domain/changes/revision.ts';
import type { Cause, RejectedChange } from '../../domain/changes/verdict.ts';
import { pathOfKey } from '../../domain/config-tree.ts';
import { treeAt } from '../../domain/normal-tree.ts';
import { lookAround } from '../looks/look.ts';
import { ChangesWithdrawn, type WaitingChange } from '../router-ledger.ts';
import type { RouterSession } from '../session/session.ts';
import { type Sorted, sortOut } from './sort-out.ts';

/** One resource's part of the work that is to be done in the next batch. */
export interface Member {
  readonly resourceId: string;
  readonly ownerGroup: string;
  readonly purpose: 'change' | 'repair';
  /** Of the change; of what is applied, for a repair. */
  readonly revision: Revision;
  readonly fragment: Fragment;
  readonly applied: Fragment;
  readonly causes: readonly Cause[];
  readonly to: OwnedContent;
}

export interface Work {
  readonly members: readonly Member[];
  readonly estimateMs: number;
}

/** More than a batch ever holds, and not so many that looking at them takes long. */
const takenAtOnce = 2_000;

/**
 * The next batch: repairs, then waiting changes, groups in turns, as many as one commit should carry. What needs no request is settled on the
 * way: changes that ask for what stands, and those that want what somebody else holds.
 */
export async function takeWork(session: RouterSession): Promise<Work | undefined> {
  const { ledger, metrics, name } = session.parts;
  for (;;) {
    const takenAt = session.now();
    const { changes, total } = await ledger.waiting(takenAtOnce);
    metrics.waiting(name, total);
    if (changes.length > 0 && isInventoryOld(session)) await lookAround(session);
    // What is adopted must stand now, not when somebody looked last.
    if (changes.some(({ adopts }) => adopts) && (session.look?.at ?? 0) < takenAt) await lookAround(session);
    let sorted = sortOut(session, changes);
    if (sorted.clashes && (session.look?.at ?? 0) < takenAt) {
      await lookAround(session); // what clashed may be gone: nobody is refused because of an old reading
      sorted = sortOut(session, changes);
    }
    const settled = await settleWithoutRequest(session, sorted).catch(noneWhenWithdrawn);
    if (settled === undefined) continue; // some were taken back while the router was read
    // What was adopted is in nobody's inventory any more. While more is coming, the next look tells so.
    if (sorted.adopted.length > 0 && total === sorted.done.length) await lookAround(session);
    const unseen = total - changes.length;
    const work = chooseWork(session, [...repairs(session, changes), ...sorted.members], unseen);
    // What was settled without the router makes room for others that wait behind it.
    if (work !== undefined || settled === 0 || total === changes.length) return work;
  }
}

/**
 * Whether what others hold must be read again before a batch: at the latest after the set age (or ten times what a reading costs), and sooner where
 * a reading is so cheap that it takes a few percent of the time at most. What a person edited in between is not seen.
 */
function isInventoryOld(session: RouterSession): boolean {
  const { look, parts } = session;
  if (look === undefined) return true;
  const most = parts.times.inventoryMaxAgeMs;
  const allowed = Math.min(Math.max(most, 10 * look.costMs), Math.max(most / 60, 30 * look.costMs));
  return session.now() - look.at > allowed;
}

function noneWhenWithdrawn(error: unknown): undefined {
  if (!(error instanceof ChangesWithdrawn)) throw error;
}

/** Gives back how many it settled. */
async function settleWithoutRequest(session: RouterSession, { done, adopted, refused }: Sorted): Promise<number> {
  // A refused one of which an earlier attempt left something there is judged when that is gone.
  const isClean = ({ resourceId }: RejectedChange) => session.ground?.differences.get(resourceId)?.repair !== true;
  for (const change of refused.filter((one) => !isClean(one))) session.condemned.set(change.resourceId, change);
  const rejected = refused.filter(isClean);
  if (done.length === 0 && rejected.length === 0) return 0;
  const released = [
    ...done.flatMap(({ resourceId, fragment }) => session.superfluousKeys(resourceId, session.contentOf(fragment))),
    ...rejected.flatMap(({ resourceId, applied }) => session.superfluousKeys(resourceId, session.contentOf(applied))),
  ];
  const mended = done
    .filter(({ resourceId }) => session.ground?.differences.has(resourceId))
    .map(({ resourceId }) => ({ resourceId, how: 'accepted' as const }));
  await session.settle({ applied: done, adopted, rejected, released, mended });
  for (const { resourceId } of done) session.ground?.differences.delete(resourceId);
  return done.length + rejected.length;
}

/** Resources that do not stand as they are applied, and for which no change waits that would put that right as well. */
export function repairs(session: RouterSession, changes: readonly WaitingChange[]): readonly Member[] {
  const waiting = new Set(changes.map((change) => change.resourceId));
  const members: Member[] = [];
  for (const [resourceId, { resource, repair }] of session.ground?.differences ?? []) {
    if (!repair || waiting.has(resourceId) || session.condemned.has(resourceId)) continue;
    if ((session.repairsResting.get(resourceId) ?? 0) > session.now()) continue;
    const to = session.mendedOf(resourceId, resource.applied);
    if (isTaken(session, resourceId, to)) continue;
    members.push({
      resourceId,
      ownerGroup: resource.ownerGroup,
      purpose: 'repair',
      revision: resource.appliedRevision,
      fragment: resource.applied,
      applied: resource.applied,
      causes: [],
      to,
    });
  }
  return members;
}

/** Whether a path that a repair wants is not the resource's and stands: an upgrade gave two mappings one name. Then people must decide. */
function isTaken(session: RouterSession, resourceId: string, to: OwnedContent): boolean {
  const { owned, look, parts } = session;
  const taken = [...to.keys()].find((key) => {
    const owner = owned.ownerOf(key);
    return owner === undefined
      ? look !== undefined && treeAt(look.foreign, pathOfKey(key)) !== undefined
      : owner !== resourceId;
  });
  if (taken === undefined) return false;
  session.repairsResting.set(resourceId, session.now() + parts.times.troubleMostMs);
  parts.metrics.repairRefused(parts.name);
  parts.log.error({ router: parts.name, resourceId, path: taken }, 'repair left out: its path is taken');
  return true;
}

/**
 * As many of these as one commit should carry. Repairs and changes of a group take turns as groups do, so that nobody waits behind the repair of
 * a router that lost everything. `unseen`: how many more wait.
 */
export function chooseWork(session: RouterSession, members: readonly Member[], unseen = 0): Work | undefined {
  if (members.length === 0) return undefined;
  const size = session.configuredSize();
  const { batchFloorMs: floorMs, batchMostMs: longestMs } = session.parts.times;
  const all = members.length + unseen;
  const seen = atMost(members, takenAtOnce);
  const candidates = seen.map((member) => {
    const from = session.standingOf(member.resourceId, member.applied);
    const { counts, bodyBytes } = planChanges([{ resourceId: member.resourceId, from, to: member.to }]);
    const ownerGroup = JSON.stringify([member.ownerGroup, member.purpose]);
    return { resourceId: member.resourceId, ownerGroup, counts, bodyBytes };
  });
  const limits = { floorMs, longestMs };
  const chosen = new Set(chooseBatch(candidates, session.costModel, size, { total: all, limits }));
  const counts = { natSets: 0, mappingSets: 0, deletes: 0 };
  for (const candidate of candidates.filter(({ resourceId }) => chosen.has(resourceId))) {
    counts.natSets += candidate.counts.natSets;
    counts.mappingSets += candidate.counts.mappingSets;
    counts.deletes += candidate.counts.deletes;
  }
  return {
    members: seen.filter(({ resourceId }) => chosen.has(resourceId)),
    estimateMs: estimateMs(session.costModel, counts, size),
  };
}

/** So many of each purpose at most: of thousands of repairs those that fit into a commit are among the first. */
function atMost(members: readonly Member[], most: number): readonly Member[] {
  const left = { change: most, repair: most };
  return members.filter(({ purpose }) => left[purpose]-- > 0);
}
