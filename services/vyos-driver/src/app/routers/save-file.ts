import { pathOfFile } from '../../domain/routers/router-file.ts';
import { throwAway, waitForLock } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';

/**
 * Saves the running configuration to a file on the router that somebody asked for. Done again after a crash, it writes the same file again.
 * Changes nothing that Berth knows of. Throws RouterAway: then the file waits for the router.
 */
export async function saveFile(session: RouterSession, name: string): Promise<void> {
  const { router, ledger, metrics, log, name: routerName, times, redact } = session.parts;
  for (let tries = 1; ; tries++) {
    const { outcome, durationMs } = await router.save({
      ...session.call(times.writeTimeoutMs),
      file: pathOfFile(name),
    });
    metrics.request(routerName, 'save', outcome.kind, durationMs);
    if (outcome.kind === 'away' || outcome.kind === 'forbidden') throwAway(session, outcome.text);
    session.noteAnswer();
    if (outcome.kind === 'try_later') {
      await waitForLock(session, tries, outcome.text);
      continue;
    }
    session.noteUnlocked();
    if (outcome.kind === 'saved') return ledger.recordFile(name, '');
    if (outcome.kind === 'broke_off') {
      // It may have restarted, without what was not saved: nothing is written before it has been read.
      session.distrust();
      session.repairAll = true;
    }
    const text = redact(outcome.text).trim() || 'The router gave no reason.';
    log.warn({ router: routerName, file: name, reason: text }, 'saving to a file refused');
    return ledger.recordFile(name, text);
  }
}
