import type { Plan } from '../../domain/changes/plan.ts';
import { isNothing, unionContent } from '../../domain/changes/plan-changes.ts';
import {
  type Blame,
  nextProbe,
  observe,
  type ProbeResult,
  rejectedByName,
  settled,
  startBlame,
  withoutResources,
} from '../../domain/refusals/blame.ts';
import { resourcesNamed } from '../../domain/refusals/name-offender.ts';
import { type AnsweredBatch, type BatchPart, closeUntouched, planOf } from '../batches/send-batch.ts';
import { sendOrRead } from '../batches/send-or-read.ts';
import { settleApplied } from '../batches/settle-applied.ts';
import type { Member } from '../changes/take-work.ts';
import { growingMs } from '../driver-times.ts';
import { askVersion } from '../looks/know-version.ts';
import { noteUnknown } from '../looks/note-unknown.ts';
import { ChangesWithdrawn } from '../router-ledger.ts';
import { RouterAway } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';
import { closeAfterReading, refusalText } from './refused-commit.ts';
import { sendWayBack } from './send-way-back.ts';
import { wayBackParts } from './way-back-parts.ts';

/** Who edits our paths faster than we plan is believed to mean it. */
const mostSurprises = 3;

/** A resource that so often alone had no usable answer is rejected. */
const mostUnansweredAlone = 3;

/**
 * The router refused what takes a condemned change back, so that nothing can be said of the members: ends the episode.
 * The router is unknown then.
 */
class WayBackRefused extends Error {
  override readonly name = 'WayBackRefused';
}

function withdrawnOf(error: unknown): ChangesWithdrawn {
  if (error instanceof ChangesWithdrawn) return error;
  throw error;
}

type Observed = ProbeResult & { readonly surprised: boolean; readonly unanswered?: boolean };

/**
 * Brings the members to the router: all in one commit; when that is refused, in the commits that it takes to find whom it is refused for.
 * What was applied is settled with the commit that did it; the refused ones stay condemned, for the way back. Ended early by an outage or a
 * stop, it leaves the rest waiting, as if it had not been tried.
 *
 * A commit that has no usable answer again and again, on a router that answers everything else, counts as refused without a name. It proves less than
 * a refusal, so a resource is rejected for it only after it was tried alone several times. It is rejected and does not rest, since its caller
 * waits for an end, nothing of it stands (that was read each time), and a resting change would be at the head of the queue for ever.
 */
export async function runEpisode(session: RouterSession, members: readonly Member[]): Promise<void> {
  const byId = new Map(members.map((member) => [member.resourceId, member]));
  const { blocked } = session;
  let blame = startBlame([...byId.keys()], blocked === undefined ? {} : { blockedBy: blocked.text });
  let finished = false;
  let wayBackRefused = false;
  let surprises = 0;
  const unansweredAlone = new Map<string, number>();
  try {
    for (let probe = nextProbe(blame); probe !== undefined; probe = nextProbe(blame)) {
      if (session.over.aborted) return;
      const observed = await tryProbe(
        session,
        probe.flatMap((id) => byId.get(id) ?? []),
      ).catch(withdrawnOf);
      if (observed instanceof ChangesWithdrawn) {
        blame = withoutResources(blame, observed.resourceIds);
        continue;
      }
      const { surprised, unanswered, ...result } = observed;
      // Somebody had changed paths of ours, so the plan was made for a router that does not exist: that refusal proves nothing.
      if (surprised && surprises++ < mostSurprises) continue;
      if (unanswered && deservesAnotherTry(probe, unansweredAlone)) continue;
      blame = observe(blame, probe, result);
      condemn(session, byId, settled(blame).rejected);
    }
    finished = true;
    session.unanswered = undefined;
  } catch (error) {
    if (!(error instanceof WayBackRefused)) throw error;
    wayBackRefused = true;
  } finally {
    release(session, byId.keys(), blame, { finished, wayBackRefused });
    if (finished) noteBlocked(session, settled(blame).blocked);
  }
}

/**
 * Whom it was for is not known before the end: another probe may show that it was for nobody of us. Who was named stays condemned when the
 * episode ended with a refused way back, since it is his.
 */
function release(
  session: RouterSession,
  ids: Iterable<string>,
  blame: Blame,
  { finished, wayBackRefused }: { readonly finished: boolean; readonly wayBackRefused: boolean },
): void {
  if (finished && settled(blame).blocked === undefined) return;
  const kept = wayBackRefused ? rejectedByName(blame) : new Set();
  for (const id of ids) if (!kept.has(id)) session.condemned.delete(id);
}

function deservesAnotherTry(probe: readonly string[], unansweredAlone: Map<string, number>): boolean {
  const [id, ...others] = probe;
  if (id === undefined || others.length > 0) return false;
  const tries = (unansweredAlone.get(id) ?? 0) + 1;
  unansweredAlone.set(id, tries);
  return tries < mostUnansweredAlone;
}

async function tryProbe(session: RouterSession, members: readonly Member[]): Promise<Observed> {
  const own = members.map((member) => toPart(session, member));
  const ownPlan = planOf(own);
  const idle = isNothing(ownPlan); // whatever the router said of such a batch, it would be about the way back alone
  if (idle) {
    await settleApplied(session, own, { judges: false });
    return { kind: 'applied', surprised: false };
  }
  const back = wayBackParts(session);
  const parts: BatchPart[] = [...own, ...back];
  const plan = back.length === 0 ? ownPlan : planOf(parts);
  const answered = await sendOrRead(session, parts, plan);
  if ('unanswered' in answered) {
    const text = answered.unanswered;
    session.parts.log.error(
      { router: session.parts.name, resources: members.length, reason: text },
      'batch unanswered',
    );
    // Alone but for the way back of others, which may be what the router cannot bear.
    if (members.length === 1 && goesBack(parts, plan) && !(await sendWayBack(session, { judges: false })))
      throw new WayBackRefused(text);
    return {
      kind: 'refused',
      text,
      named: [],
      namesStranger: false,
      doubtful: true,
      unanswered: true,
      surprised: false,
    };
  }
  const { outcome, batch, durationMs } = answered;
  if (outcome.kind === 'applied') {
    await settleApplied(session, parts, { judges: true, answered });
    return { kind: 'applied', surprised: false };
  }
  session.notBefore = session.now() + session.parts.times.settleDelayMs;
  if (outcome.kind === 'refused_operation') {
    await closeUntouched(session, batch, { state: 'refused', outcome: refusalText(session, outcome), durationMs });
    await expectSameVersion(session, outcome);
    return { ...(await accused(session, parts, members, answered)), surprised: false };
  }
  const { surprised } = await closeAfterReading(session, answered);
  return { ...(await accused(session, parts, members, answered)), surprised };
}

/**
 * A path that the router does not know may mean that it was upgraded since it was asked: then nobody is to blame, and everything is planned anew.
 * Throws RouterAway.
 */
async function expectSameVersion(session: RouterSession, { text }: { readonly text: string }): Promise<void> {
  if (!/is not valid\s/.test(text) || !(await askVersion(session))) return;
  throw new RouterAway(`The router runs VyOS ${session.version} now.`);
}

const goesBack = (parts: readonly BatchPart[], plan: Plan): boolean =>
  parts.some(({ purpose, resourceId }) => purpose === 'way_back' && plan.byResource.has(resourceId));

/**
 * Whom of the members the refusal accuses. The way back of others travels with them: a refusal that names only what is on its way back is not theirs,
 * and one that names nobody is held against them only when the way back alone was taken. Throws WayBackRefused. A member whose own
 * part needs no operation is never accused.
 */
async function accused(
  session: RouterSession,
  parts: readonly BatchPart[],
  members: readonly Member[],
  { outcome, plan }: AnsweredBatch,
): Promise<ProbeResult> {
  const contents = new Map(parts.map(({ resourceId, from, to }) => [resourceId, unionContent(from, to)]));
  const router = session.look && { config: session.look.foreign, ownedKeys: new Set<string>() };
  const { resourceIds, namesStranger } = resourcesNamed(outcome, contents, router);
  const busy = new Set(members.map(({ resourceId }) => resourceId).filter((id) => plan.byResource.has(id)));
  const named = resourceIds.filter((id) => busy.has(id));
  const text = refusalText(session, outcome);
  session.parts.log.warn({ router: session.parts.name, resources: members.length, reason: text }, 'batch refused');
  if (goesBack(parts, plan) && named.length === 0 && !namesStranger) {
    const told = resourceIds.length > 0;
    if (told) {
      session.parts.metrics.repairRefused(session.parts.name);
      noteUnknown(session, `The router refused the way back: ${text}`);
    }
    if (told || !(await sendWayBack(session, { judges: false }))) throw new WayBackRefused(text);
  }
  return { kind: 'refused', text, named, namesStranger, doubtful: busy.size < members.length };
}

function condemn(
  session: RouterSession,
  byId: ReadonlyMap<string, Member>,
  rejected: ReadonlyMap<string, string>,
): void {
  for (const [id, text] of rejected) {
    const member = byId.get(id);
    if (member === undefined || session.condemned.has(id)) continue;
    if (member.purpose === 'change') {
      const { resourceId, revision, applied, causes } = member;
      session.condemned.set(id, { resourceId, revision, applied, causes, code: 'ROUTER_REFUSED', text });
    } else if (!session.repairsResting.has(id)) {
      session.repairRefusals.set(id, text);
      session.repairsResting.set(id, session.now() + session.parts.times.troubleMostMs);
      session.parts.metrics.repairRefused(session.parts.name);
      session.parts.log.error({ router: session.parts.name, resourceId: id, reason: text }, 'repair refused');
    }
  }
}

function noteBlocked(session: RouterSession, text: string | undefined): void {
  const { times } = session.parts;
  if (text === undefined) {
    session.blocked = undefined;
    return;
  }
  const tries = (session.blocked?.tries ?? 0) + 1;
  const retryAt = session.now() + growingMs(tries, times.troubleFirstMs, times.troubleMostMs);
  session.blocked = { text, tries, retryAt };
}

const toPart = (session: RouterSession, member: Member): BatchPart => ({
  resourceId: member.resourceId,
  purpose: member.purpose,
  revision: member.revision,
  fragment: member.fragment,
  causes: member.causes,
  from: session.standingOf(member.resourceId, member.applied),
  to: member.to,
});
