import { httpTimeoutMs } from '../../domain/batches/choose-batch.ts';
import { confirmLeftMs } from '../../domain/batches/commit-confirm.ts';
import type { NewBatch, OpenBatch } from '../router-ledger.ts';
import { isAway, probe, RouterAway, throwAway, waitForLock } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';

/** A commit that the router takes back by itself unless it is confirmed. */
export interface UnconfirmedCommit {
  readonly batchId: string;
  /** When it is taken back at the latest, on the worker's clock. */
  readonly until: number;
}

const minuteMs = 60_000;

/** The probe and the confirmation must fit in three times over. */
const fitsTimes = 3;

/** How long the next commit may stand unconfirmed, in minutes; undefined: commits on this router are not confirmed. */
export function confirmMinutes(session: RouterSession): number | undefined {
  const { commitConfirm } = session;
  if (commitConfirm?.state !== 'active') return undefined;
  return Math.max(commitConfirm.minutes, Math.ceil((fitsTimes * confirmCostMs(session)) / minuteMs));
}

/** The same in milliseconds; 0 where none is confirmed. */
const confirmTimeMs = (session: RouterSession): number => (confirmMinutes(session) ?? 0) * minuteMs;

/**
 * When the router has surely taken a commit back that nobody confirmed, on the worker's clock. A commit that a holder before us sent has the minutes
 * that were sent with it, and its timer began at the latest when its request can have run no longer.
 */
export function takenBackBy(session: RouterSession, batch: OpenBatch): number {
  if (session.unconfirmed?.batchId === batch.id) return session.unconfirmed.until;
  const { estimateMs, ageMs, confirmMinutes: minutes } = batch;
  if (minutes === undefined) return session.now() + confirmTimeMs(session);
  const ranAtMostMs = httpTimeoutMs(estimateMs, session.parts.times.writeTimeoutMs);
  return session.now() + confirmLeftMs({ minutes, ageMs, ranAtMostMs });
}

/** What probing and confirming take, as far as was seen. Milliseconds. */
export const confirmCostMs = ({ lastProbeMs, lastConfirmMs }: RouterSession): number => lastProbeMs + lastConfirmMs;

/**
 * Keeps a commit that the router would take back, when the router has shown that it is still reached: by a read, and by a new connection. Otherwise
 * throws RouterAway and leaves the batch's row open: it is settled by reading, after the router went back or was confirmed all the same.
 */
export async function confirmBatch(
  session: RouterSession,
  batch: NewBatch,
  otherwise: 'reload' | 'reboot',
): Promise<void> {
  const until = session.now() + (batch.confirmMinutes ?? 0) * minuteMs;
  session.unconfirmed = { batchId: batch.id, until };
  try {
    // A router that would reboot is not put to the proof.
    if (otherwise === 'reload') await proveReachable(session);
    if ((await confirm(session, batch.timeoutMs, until)) === 'confirmed') {
      session.unconfirmed = undefined;
      // Somebody has set it to reboot since the last look: no other commit is put at that risk.
      if (otherwise === 'reboot') session.commitConfirm = undefined;
      return;
    }
    throw new RouterAway(
      'The router had nothing to confirm any more: it took the commit back, or somebody confirmed it.',
    );
  } catch (error) {
    if (error instanceof RouterAway) {
      session.distrust();
      session.openBatch = true;
      session.unansweredText = error.message;
    }
    throw error;
  }
}

/**
 * Stops the timer that a refused commit left running, on versions where it begins before the commit: it would take back later commits. Throws RouterAway.
 */
export async function stopTimer(session: RouterSession, batch: NewBatch): Promise<void> {
  if (batch.confirmMinutes === undefined || session.dialect?.timesRefusedCommits !== true) return;
  await confirm(session, batch.timeoutMs, session.now() + batch.confirmMinutes * minuteMs);
}

/** Confirms whatever waits for it; gives up at `until`. Throws RouterAway. */
export async function confirm(
  session: RouterSession,
  timeoutMs: number,
  until: number,
): Promise<'confirmed' | 'nothing_pending'> {
  const { router, metrics, name } = session.parts;
  for (let tries = 1; ; tries++) {
    const { outcome, durationMs } = await router.confirm(session.call(timeoutMs));
    metrics.request(name, 'confirm', outcome.kind, durationMs);
    if (outcome.kind === 'away' || outcome.kind === 'forbidden') throwAway(session, outcome.text);
    session.noteAnswer();
    if (outcome.kind !== 'try_later') {
      session.noteUnlocked();
      session.lastConfirmMs = durationMs;
      return outcome.kind;
    }
    if (session.now() >= until) throw new RouterAway(session.parts.redact(outcome.text));
    await waitForLock(session, tries, outcome.text);
  }
}

/** Noted at a batch that the router took, or refused, because somebody else's commit waits to be confirmed. */
export const waitsForOther = 'waits for the confirmation of somebody else';

/**
 * Returns when nobody's commit waits to be confirmed. The only way to ask without confirming it is a commit of nothing that is to be confirmed itself.
 * Throws RouterAway.
 */
export async function waitForOtherConfirm(session: RouterSession, timeoutMs: number): Promise<void> {
  const { router, metrics, name } = session.parts;
  const minutes = confirmMinutes(session);
  for (let tries = 1; ; tries++) {
    const { outcome, durationMs } = await router.configure([], { ...session.call(timeoutMs), confirmMinutes: minutes });
    metrics.request(name, 'empty_configure', outcome.kind, durationMs);
    if (isAway(outcome)) throwAway(session, outcome.text);
    session.noteAnswer();
    if (outcome.kind !== 'try_later') break;
    await waitForLock(session, tries, outcome.text);
  }
  await confirm(session, timeoutMs, session.now() + confirmTimeMs(session));
}

/** Whether a commit of a batch of which nobody knows the end may still be taken back. */
export const mayBeTakenBack = (
  { commitConfirm, dialect }: RouterSession,
  { confirmMinutes: minutes }: OpenBatch,
): boolean => dialect?.confirms === true && (commitConfirm?.state === 'active' || minutes !== undefined);

async function proveReachable(session: RouterSession): Promise<void> {
  await probe(session);
  const { router, times } = session.parts;
  if (!(await router.reachable({ timeoutMs: times.probeTimeoutMs })))
    throw new RouterAway('The router answers on the connection that was open before the commit, and takes no new one.');
}
