import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  /** Default 30_000: only a test that fails waits for so long. */
  readonly timeoutMs?: number;
  /** Default 25. */
  readonly everyMs?: number;
  /** What is waited for, for the failure's text. */
  readonly what?: string;
}

/** What is left of a type after `if (value)`. */
type Truthy<T> = Exclude<NonNullable<T>, false | 0 | ''>;

/**
 * Repeats `check` until it answers something truthy, and answers that. A check that throws is repeated too. After
 * `timeoutMs` it fails, with the last error as its cause.
 */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<Truthy<T>> {
  const timeoutMs = options.timeoutMs ?? 30_000;
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      last = undefined;
      const answer = await check();
      if (answer) return answer as Truthy<T>; // no generic type is narrowed by a condition
    } catch (error) {
      last = error;
    }
    await delay(options.everyMs ?? 25);
  } while (performance.now() < deadline);
  const reason = last instanceof Error ? `: ${last.message}` : '';
  throw new Error(`${options.what ?? 'The awaited state'} did not come within ${timeoutMs} ms${reason}`, {
    cause: last,
  });
}

/** Waits until an assertion no longer throws; fails with what it threw last. */
export async function eventuallyHolds(
  assertion: () => void | Promise<void>,
  options: EventuallyOptions = {},
): Promise<void> {
  await eventually(async () => {
    await assertion();
    return true;
  }, options);
}
