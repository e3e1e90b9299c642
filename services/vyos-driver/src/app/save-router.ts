import { growingMs } from './driver-times.ts';
import { throwAway } from './router-calls.ts';
import type { RouterSession } from './session.ts';

/** Whether commits wait to be saved, and a failed save has rested long enough. */
export const wantsSave = (session: RouterSession): boolean =>
  session.savedCount < session.appliedCount && (session.saveTrouble?.retryAt ?? 0) <= session.now();

/**
 * Saves the running configuration and records up to which commit. Safe to repeat. A failure that is no outage is tried again later, and holds
 * up nobody. Throws RouterAway.
 */
export async function saveRouter(session: RouterSession): Promise<void> {
  const { router, ledger, metrics, log, name, times, redact } = session.parts;
  const upTo = session.appliedCount;
  const { outcome, durationMs } = await router.save(session.call(times.writeTimeoutMs));
  metrics.request(name, 'save', outcome.kind, durationMs);
  if (outcome.kind === 'away' || outcome.kind === 'forbidden') throwAway(session, outcome.text);
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
  const tries = (session.saveTrouble?.tries ?? 0) + 1;
  const text = redact(outcome.text);
  const [first, most] =
    outcome.kind === 'try_later'
      ? [times.lockedFirstMs, times.lockedMostMs]
      : [times.troubleFirstMs, times.troubleMostMs];
  session.saveTrouble = { text, tries, retryAt: session.now() + growingMs(tries, first, most) };
  log.warn({ router: name, reason: text, tries }, 'save refused');
}
