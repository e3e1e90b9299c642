import type { AccessState } from './access-state.ts';

/** How long a key may be on its way here: auth tells it at its commit, and again half a second later. */
const usualWaitMs = 700;
const mostWaiting = 100;
/** Clocks may differ by five minutes; and a token reaches us within seconds of its making, or its key was told long ago. */
const newWithinMs = 330_000;
/** RFC 7638: the thumbprint of a key. */
const keyIdPattern = /^[\w-]{43}$/;

/**
 * Waits for a signing key that auth has just made and of which we have not heard. Anybody can name keys that do not exist, so nobody is asked, and
 * few wait: only with a token that says that it was made just now. Where too many wait, who came first goes: a key that is there comes within
 * milliseconds, so strangers who fill all places keep nobody else from waiting for one.
 */
export class NewKeys {
  readonly #state: AccessState;
  readonly #waitMs: number;
  readonly #waiting = new Set<() => void>();

  constructor(state: AccessState, waitMs = usualWaitMs) {
    this.#state = state;
    this.#waitMs = waitMs;
  }

  /** Resolves when the key is known, or no longer waited for; at once where waiting makes no sense. `issuedAt`: in seconds since 1970. */
  async arrival(id: string, issuedAt: unknown): Promise<void> {
    const mayBeNew = keyIdPattern.test(id) && typeof issuedAt === 'number' && !this.#state.knowsKey(id);
    if (!mayBeNew || Math.abs(Date.now() - issuedAt * 1_000) > newWithinMs) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const end = () => {
      this.#waiting.delete(end);
      clearTimeout(timer);
      stop();
      resolve();
    };
    const timer = setTimeout(end, this.#waitMs);
    const stop = this.#state.onChange(() => {
      if (this.#state.knowsKey(id)) end();
    });
    const [first] = this.#waiting;
    if (this.#waiting.size >= mostWaiting) first?.();
    this.#waiting.add(end);
    await promise;
  }
}
