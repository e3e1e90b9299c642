import { setTimeout as delay } from 'node:timers/promises';
import { isKind } from './domain-error.ts';

/** Whether the request surely reached nobody. */
const reachedNobody = (error: unknown): boolean => isKind(error, 'unavailable') && error.details['sent'] === false;

/** Whether the request may have been worked on although no answer came. */
export const wasNotAnswered = (error: unknown): boolean =>
  isKind(error, 'unavailable') && error.details['sent'] === true;

/** Whether whoever worked on the request lost its database, and with it the answer to its commit. */
export const lostItsDatabase = (error: unknown): boolean =>
  isKind(error, 'unavailable') && error.code === 'DATABASE_UNAVAILABLE';

/** Sends; sends again for `patienceMs` while nobody listens, because a replica may be restarting. Throws what the last try threw. */
export async function sendPatiently<T>(send: () => Promise<T>, patienceMs: number): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let againMs = 50; ; againMs *= 2) {
    try {
      return await send();
    } catch (error) {
      if (!reachedNobody(error) || performance.now() + againMs > until) throw error;
      await delay(againMs);
    }
  }
}

/** The same for requests that may be repeated although an earlier one was worked on: silence is followed by one more try. */
export async function askPatiently<T>(ask: () => Promise<T>, patienceMs: number): Promise<T> {
  try {
    return await sendPatiently(ask, patienceMs);
  } catch (error) {
    if (!wasNotAnswered(error)) throw error;
    return await sendPatiently(ask, patienceMs);
  }
}
