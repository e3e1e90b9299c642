import { shouldSaveFirst } from '../../domain/batches/choose-batch.ts';
import { saveRouter, wantsSave } from '../batches/save-router.ts';
import { settleOpenBatch } from '../batches/settle-open-batch.ts';
import { takeWork } from '../changes/take-work.ts';
import { growingMs } from '../driver-times.ts';
import { lookAround } from '../looks/look.ts';
import { expectNoDrops } from '../looks/note-drops.ts';
import { runEpisode } from '../refusals/run-episode.ts';
import { goBack, reconcile, takeLeftoversBack } from '../refusals/way-back.ts';
import { probe, RouterAway } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';
import { tellStatus } from '../session/tell-status.ts';
import { saveFile } from './save-file.ts';

/**
 * Works one router for as long as the lease is held: one thing after another, so that at most one request is ever in flight. Returns when asked
 * to stop; throws LeaseLost, and whatever nobody foresaw (the database is away): the next session starts from ledger and router.
 */
export async function workRouter(session: RouterSession, onLooked: () => void = () => {}): Promise<void> {
  while (!session.parts.stopping.aborted) {
    session.parts.lease.throwIfLost();
    await tellStatus(session);
    try {
      await step(session);
    } catch (error) {
      if (!(error instanceof RouterAway)) throw error;
      noteAway(session, error.message);
    }
    if (session.look !== undefined || session.away !== undefined) onLooked();
  }
}

/** The most urgent thing, and nothing else. */
async function step(session: RouterSession): Promise<void> {
  if (session.away !== undefined && !(await isOutageOver(session))) return;
  expectNoDrops(session);
  if (session.openBatch) return settleOpenBatch(session);
  if (session.ground === undefined) return lookAround(session);
  if (session.unknown !== undefined) return isDue(session, session.unknown) ? reconcile(session) : rest(session);
  if (session.condemned.size > 0) return goBack(session);
  if (await isCheckDue(session)) return lookAround(session);
  const file = await session.parts.ledger.fileAsked();
  if (file !== undefined) return saveFile(session, file);
  if (session.blocked !== undefined && !isDue(session, session.blocked)) return rest(session);
  return (await workBatch(session)) ? undefined : rest(session);
}

/** Whether somebody wants the router compared. Between two such readings changes have their turn, however often somebody asks. */
async function isCheckDue(session: RouterSession): Promise<boolean> {
  session.driftRequests = await session.parts.ledger.driftRequests();
  const isAsked = session.driftRequests.asked > session.driftRequests.answered;
  session.checkedLast = isAsked && !session.checkedLast;
  return session.checkedLast;
}

/** One batch, if anything waits for one. */
async function workBatch(session: RouterSession): Promise<boolean> {
  await session.pause(session.notBefore - session.now()); // whoever asks meanwhile is taken along
  const work = await takeWork(session);
  if (session.condemned.size > 0) return true; // a way back comes first
  if (work === undefined) {
    session.blocked = undefined; // nothing waits any more that could be refused
    return false;
  }
  if (wantsSave(session) && mustSaveFirst(session, work.estimateMs)) await saveRouter(session);
  await runEpisode(session, work.members);
  if (session.blocked !== undefined) await takeLeftoversBack(session, work.members);
  return true;
}

/** So many times as long as a look takes the router rests before the next. */
const lookRest = 30;
/** So many times as long as a probe takes the router rests before the next. */
const probeRest = 20;

/** A reboot loses what is not saved, and one that falls between two probes is not seen: then they are closer. */
const probeEveryMs = ({ parts, savedCount, appliedCount }: RouterSession): number =>
  savedCount < appliedCount ? parts.times.probeEveryMs / 5 : parts.times.probeEveryMs;

/** What an idle router is good for, and sleep until something rings or is due. */
async function rest(session: RouterSession): Promise<void> {
  const { times, bell } = session.parts;
  const now = session.now();
  if (wantsSave(session)) return saveRouter(session);
  const driftIn = session.lastDriftLookAt + Math.max(times.driftEveryMs, lookRest * (session.look?.costMs ?? 0)) - now;
  if (driftIn <= 0) return lookAround(session);
  const probeIn = session.lastAnswerAt + Math.max(probeEveryMs(session), probeRest * session.lastProbeMs) - now;
  if (probeIn <= 0) return probe(session);
  const retryIn = [session.unknown, session.blocked, session.saveTrouble].flatMap((one) =>
    one ? [one.retryAt - now] : [],
  );
  const repairsIn = [...session.repairsResting.values()].map((until) => until - now);
  const wakeIn = Math.min(times.pollMs, driftIn, probeIn, ...[...retryIn, ...repairsIn].filter((ms) => ms > 0));
  await bell.sleep(wakeIn, session.over);
}

/** Waits for the next try, and tries. An open batch row means that a commit may still run: then its barrier is the try. */
async function isOutageOver(session: RouterSession): Promise<boolean> {
  const waitMs = (session.away?.retryAt ?? 0) - session.now();
  if (waitMs > 0) {
    await session.pause(waitMs);
    return false;
  }
  if (!session.openBatch) await probe(session);
  return true;
}

/** Whatever was known of the router is doubtful from here on: it may come back rebooted, without the last commits. */
function noteAway(session: RouterSession, text: string): void {
  const { router, times } = session.parts;
  session.dropsSeen = router.drops;
  session.distrust();
  session.repairAll = true;
  if (session.away !== undefined) session.unanswered = undefined; // an outage explains what was not answered
  // What answers the probe and cannot be read is no less away: it is asked ever more rarely too.
  const tries = ++session.outages;
  const breakerMs = router.state === 'open' ? router.retryAfterSeconds() * 1_000 : 0;
  const retryAt = session.now() + Math.max(breakerMs, growingMs(tries, times.awayFirstMs, times.awayMostMs));
  session.away = { text, tries, retryAt };
}

const isDue = (session: RouterSession, trouble: { readonly retryAt: number }): boolean =>
  trouble.retryAt <= session.now();

function mustSaveFirst(session: RouterSession, estimateMs: number): boolean {
  const unsavedMs = session.now() - (session.unsavedSince ?? session.now());
  return shouldSaveFirst(estimateMs) || unsavedMs > session.parts.times.saveWithinMs;
}
