import { growingMs } from '../driver-times.ts';
import type { RouterSession } from '../session/session.ts';

/** Only reads are sent from now on, until reconciliation has settled what stands. */
export function noteUnknown(session: RouterSession, text: string): void {
  const { times } = session.parts;
  const tries = (session.unknown?.tries ?? 0) + 1;
  session.unknown = {
    text,
    tries,
    retryAt: session.now() + growingMs(tries, times.troubleFirstMs, times.troubleMostMs),
  };
}
