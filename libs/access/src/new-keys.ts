import type { AccessState } from './access-state.ts';

/** How long a key may be on its way here: auth tells it at its commit, and again half a second later. */
const usualWaitMs = 700;
const mostWaiting = 100;
/** Clocks differ; and a token reaches us within seconds of its making, or its key was told long ago. */
const newWithinMs = 30_000;
/** RFC 7638: the thumbprint of a key. */
const keyIdPattern = /^[\w-]{43}$/;

/**
 * Waits for a signing key that auth has just made and of which we have not heard. Anybody can name keys that do not exist, so nobody is asked, and
 * few wait: only with a token that says that it was made just now.
 */
export class NewKeys {
  readonly #state: AccessState;
  readonly #waitMs: number;
  #waiting = 0;

  constructor(state: AccessState, waitMs = usualWaitMs) {
    this.#state = state;
    this.#waitMs = waitMs;
  }

  /** Resolves when the key is known, or no longer waited for; at once where waiting makes no sense. `issuedAt`: in seconds since 1970. */
  async arrival(id: string, issuedAt: unknown): Promise<void> {
    const mayBeNew = keyIdPattern.test(id) && typeof issuedAt === 'number' && !this.#state.knowsKey(id);
    if (!mayBeNew || Math.abs(Date.now() - issuedAt * 1_000) > newWithinMs || this.#waiting >= mostWaiting) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#waitMs);
    const stop = this.#state.onChange(() => {
      if (this.#state.knowsKey(id)) resolve();
    });
    this.#waiting++;
    await promise;
    this.#waiting--;
    clearTimeout(timer);
    stop();
  }
}
