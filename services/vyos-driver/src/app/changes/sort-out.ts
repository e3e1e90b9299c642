import { adoptContent } from '../../domain/adoption/adopt-content.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import { sameContent } from '../../domain/changes/plan-changes.ts';
import type { AppliedChange, Clash, RejectionCode } from '../../domain/changes/verdict.ts';
import { missingSubnet } from '../../domain/refusals/missing-subnet.ts';
import { clashesWith, conflictOn, newlyContested } from '../../domain/refusals/name-offender.ts';
import type { AdoptedPaths, WaitingChange } from '../router-ledger.ts';
import type { RouterSession } from '../session/session.ts';
import type { Condemned } from '../session/session-knowledge.ts';
import type { Member } from './take-work.ts';

/** What becomes of the changes that wait. */
export interface Sorted {
  /** What is to be sent. */
  readonly members: readonly Member[];
  /** What stands already. */
  readonly done: readonly AppliedChange[];
  /** Paths of those that are done and were others' so far. */
  readonly adopted: readonly AdoptedPaths[];
  readonly refused: readonly Condemned[];
  /** Some are refused for what the last reading showed of others, which may be gone. */
  readonly clashes: boolean;
}

type Lot =
  | { readonly kind: 'to_send' }
  | { readonly kind: 'stands' }
  | { readonly kind: 'adopted'; readonly keys: readonly string[] }
  | ({ readonly kind: 'refused'; readonly code: RejectionCode; readonly mayBeOver: boolean } & Partial<Clash> & {
        readonly text: string;
      });

/** Sorts changes in their order: of two that want one path, the first has it. */
export function sortOut(session: RouterSession, changes: readonly WaitingChange[]): Sorted {
  const members: Member[] = [];
  const done: AppliedChange[] = [];
  const adopted: AdoptedPaths[] = [];
  const refused: Condemned[] = [];
  const claimed = new Map<string, string>();
  let clashes = false;
  for (const change of changes) {
    if (session.condemned.has(change.resourceId)) continue; // its way back comes first
    const { resourceId, revision, wanted, applied, causes } = change;
    const to = session.contentOf(wanted);
    const lot = lotOf(session, change, to, claimed);
    if (lot.kind === 'refused') {
      const { kind: _, mayBeOver, ...why } = lot;
      clashes ||= mayBeOver;
      refused.push({ resourceId, revision, applied, causes, ...why });
    } else if (lot.kind === 'to_send') {
      for (const key of to.keys()) claimed.set(key, resourceId);
      members.push({ ...change, purpose: 'change', fragment: wanted, to });
    } else {
      done.push({ resourceId, revision, fragment: wanted });
      if (lot.kind === 'stands') continue;
      for (const key of lot.keys) claimed.set(key, resourceId);
      adopted.push({ resourceId, keys: lot.keys });
    }
  }
  return { members, done, adopted, refused, clashes };
}

function lotOf(
  session: RouterSession,
  change: WaitingChange,
  to: OwnedContent,
  claimed: ReadonlyMap<string, string>,
): Lot {
  const { wanted, applied, resourceId } = change;
  const problem = session.dialect?.problemOf(wanted, applied);
  if (problem !== undefined) return { kind: 'refused', code: 'CHANGE_INVALID', text: problem, mayBeOver: false };
  const lost = session.look && missingSubnet(session.look.foreign, to);
  if (lost !== undefined) return { kind: 'refused', code: 'CHANGE_INVALID', text: lost, mayBeOver: true };
  if (sameContent(session.standingOf(resourceId, applied), to)) return { kind: 'stands' };
  return change.adopts ? adoption(session, change, to, claimed) : sending(session, change, to, claimed);
}

const conflict = (clash: Clash, mayBeOver: boolean): Lot => ({
  kind: 'refused',
  code: 'ROUTER_CONFLICT',
  mayBeOver,
  ...clash,
});

/** A change that adopts needs no request: what it wants stands already, and all of it, or the change is refused. */
function adoption(
  session: RouterSession,
  { resourceId, applied }: WaitingChange,
  to: OwnedContent,
  claimed: ReadonlyMap<string, string>,
): Lot {
  const taken = [...to.keys()].find((key) => claimed.has(key));
  if (taken !== undefined) return conflict(belongsTo(taken, claimed.get(taken) ?? ''), false);
  const outcome = adoptContent(session.look?.foreign ?? {}, session.standingOf(resourceId, applied), to);
  return 'clash' in outcome ? conflict(outcome.clash, false) : { kind: 'adopted', keys: outcome.keys };
}

const nothingOfOurs: ReadonlySet<string> = new Set();

function sending(
  session: RouterSession,
  { resourceId, applied }: WaitingChange,
  to: OwnedContent,
  claimed: ReadonlyMap<string, string>,
): Lot {
  for (const key of to.keys()) {
    const owner = (session.owned.isReleased(key) ? undefined : session.owned.ownerOf(key)) ?? claimed.get(key);
    if (owner !== undefined && owner !== resourceId) return conflict(belongsTo(key, owner), false);
  }
  // What stands already beside somebody else's is no reason to refuse another change of the same VM.
  const asked = newlyContested(session.standingOf(resourceId, applied), to);
  const clash = session.look && clashesWith(session.look.foreign, nothingOfOurs, asked);
  return clash === undefined ? { kind: 'to_send' } : conflict(clash, true);
}

const belongsTo = (key: string, owner: string): Clash => ({
  conflict: conflictOn(key),
  text: `${key.replaceAll('\n', ' ')} belongs to ${owner}.`,
});
