import { DomainError, wasNotAnswered } from '@berth/errors';

/** What `sent` is answered. Silence means that the outcome is not known; the error says of what: "the pool was". */
export async function orOutcomeUnknown<T>(what: string, sent: Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    throw wasNotAnswered(error) ? outcomeUnknown(what, error) : error;
  }
}

const outcomeUnknown = (what: string, cause: unknown) =>
  new DomainError(
    'unavailable',
    'OUTCOME_UNKNOWN',
    `No answer came in time, so it is not known whether ${what} changed. Look at it, or repeat the request with the same Idempotency-Key.`,
    { retryAfterSeconds: 5 },
    { cause },
  );
