import { growingMs } from '../driver-times.ts';
import { throwAway } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';

/** Whether commits wait to be saved, and a failed save has rested long enough. */
export const wantsSave = (session: RouterSession): boolean =>
  session.savedCount < session.appliedCount && (session.saveTrouble?.retryAt ?? 0) <= session.now();

/**
 * Saves the running configuration and records up to which commit. Safe to repeat. Whatever it failed for, it rests before it is tried again, so
 * that changes are applied meanwhile. Throws RouterAway when it failed for an outage.
 */
export async function saveRouter(session: RouterSession): Promise<void> {
  const { router, ledger, metrics, name, times } = session.parts;
  const upTo = session.appliedCount;
  const { outcome, durationMs } = await router.save(session.call(times.writeTimeoutMs));
  metrics.request(name, 'save', outcome.kind, durationMs);
  if (outcome.kind === 'away' || outcome.kind === 'forbidden') {
    // A router that answers everything but saves is no outage to the changes that wait.
    noteFailure(session, outcome);
    throwAway(session, outcome.text);
  }
  session.noteAnswer();
  if (outcome.kind === 'saved') {
    await ledger.recordSaved(upTo);
    session.savedCount = upTo;
    session.owned.forgetSaved(upTo);
    session.saveTrouble = undefined;
    session.unsavedSince = undefined;
    metrics.saved(name);
    return;
  }
  if (outcome.kind === 'broke_off') {
    // It may have restarted, without what was not saved: nothing is written before it has been read.
    session.distrust();
    session.repairAll = true;
  }
  noteFailure(session, outcome);
}

function noteFailure(session: RouterSession, { kind, text }: { readonly kind: string; readonly text: string }): void {
  const { metrics, log, name, times, redact, router } = session.parts;
  // What our own breaker kept back says nothing of saving.
  if (router.state !== 'closed') return;
  const tries = (session.saveTrouble?.tries ?? 0) + 1;
  const reason = redact(text);
  const [first, most] =
    kind === 'try_later' ? [times.lockedFirstMs, times.lockedMostMs] : [times.troubleFirstMs, times.troubleMostMs];
  session.saveTrouble = { text: reason, tries, retryAt: session.now() + growingMs(tries, first, most) };
  metrics.saveFailed(name);
  log.warn({ router: name, reason, tries }, 'save failed');
}
