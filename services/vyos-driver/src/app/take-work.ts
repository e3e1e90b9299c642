import { chooseBatch } from '../domain/choose-batch.ts';
import { estimateMs } from '../domain/cost-model.ts';
import type { Fragment } from '../domain/fragment.ts';
import { clashesWith, conflictOn, newlyContested } from '../domain/name-offender.ts';
import type { OwnedContent } from '../domain/plan.ts';
import { planChanges, sameContent } from '../domain/plan-changes.ts';
import type { Revision } from '../domain/revision.ts';
import type { AppliedChange, Cause, Clash, RejectedChange } from '../domain/verdict.ts';
import { lookAround } from './look.ts';
import type { WaitingChange } from './router-ledger.ts';
import type { RouterSession } from './session.ts';

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

const nothingOfOurs: ReadonlySet<string> = new Set();

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
    let sorted = sortOut(session, changes);
    if (sorted.clashes && (session.look?.at ?? 0) < takenAt) {
      await lookAround(session); // what clashed may be gone: nobody is refused because of an old reading
      sorted = sortOut(session, changes);
    }
    const settled = await settleWithoutRequest(session, sorted);
    const unseen = total - changes.length;
    const work = chooseWork(session, [...repairs(session, changes), ...sorted.members], unseen);
    // What was settled without the router makes room for others that wait behind it.
    if (work !== undefined || settled === 0 || total === changes.length) return work;
  }
}

interface Sorted {
  readonly members: readonly Member[];
  readonly done: readonly AppliedChange[];
  readonly refused: readonly (RejectedChange & { readonly applied: Fragment })[];
  readonly clashes: boolean;
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

function sortOut(session: RouterSession, changes: readonly WaitingChange[]): Sorted {
  const members: Member[] = [];
  const done: AppliedChange[] = [];
  const refused: (RejectedChange & { applied: Fragment })[] = [];
  const claimed = new Map<string, string>();
  let clashes = false;
  for (const change of changes) {
    if (session.condemned.has(change.resourceId)) continue; // its way back comes first
    const { resourceId, revision, wanted, applied } = change;
    const to = session.contentOf(wanted);
    if (sameContent(session.standingOf(resourceId, applied), to)) {
      done.push({ resourceId, revision, fragment: wanted });
      continue;
    }
    const held = heldByOthers(session, change, to, claimed);
    if (held === undefined) {
      for (const key of to.keys()) claimed.set(key, resourceId);
      members.push({ ...change, purpose: 'change', fragment: wanted, to });
    } else {
      clashes ||= held.foreign;
      refused.push({ resourceId, revision, applied, code: 'ROUTER_CONFLICT', ...held.clash });
    }
  }
  return { members, done, refused, clashes };
}

function heldByOthers(
  session: RouterSession,
  { resourceId, applied }: WaitingChange,
  to: OwnedContent,
  claimed: ReadonlyMap<string, string>,
): { readonly clash: Clash; readonly foreign: boolean } | undefined {
  for (const key of to.keys()) {
    const owner = (session.owned.isReleased(key) ? undefined : session.owned.ownerOf(key)) ?? claimed.get(key);
    if (owner !== undefined && owner !== resourceId) {
      const text = `${key.replaceAll('\n', ' ')} belongs to ${owner}.`;
      return { clash: { conflict: conflictOn(key), text }, foreign: false };
    }
  }
  // What stands already beside somebody else's is no reason to refuse another change of the same VM.
  const asked = newlyContested(session.standingOf(resourceId, applied), to);
  const clash = session.look && clashesWith(session.look.foreign, nothingOfOurs, asked);
  return clash === undefined ? undefined : { clash, foreign: true };
}

/** Gives back how many it settled. */
async function settleWithoutRequest(session: RouterSession, { done, refused }: Sorted): Promise<number> {
  // A refused one of which an earlier attempt left something there is judged when that is gone.
  const isClean = ({ resourceId }: RejectedChange) => session.ground?.differences.get(resourceId)?.repair !== true;
  for (const change of refused.filter((one) => !isClean(one))) session.condemned.set(change.resourceId, change);
  const rejected = refused.filter(isClean);
  if (done.length === 0 && rejected.length === 0) return 0;
  const released = [
    ...done.flatMap(({ resourceId, fragment }) => session.superfluousKeys(resourceId, session.contentOf(fragment))),
    ...rejected.flatMap(({ resourceId, applied }) => session.superfluousKeys(resourceId, session.contentOf(applied))),
  ];
  await session.settle({ applied: done, rejected, released });
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
    members.push({
      resourceId,
      ownerGroup: resource.ownerGroup,
      purpose: 'repair',
      revision: resource.appliedRevision,
      fragment: resource.applied,
      applied: resource.applied,
      causes: [],
      to: session.contentOf(resource.applied),
    });
  }
  return members;
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
