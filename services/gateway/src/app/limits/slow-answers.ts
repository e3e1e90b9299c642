/** The longest that an answer is put off. */
const longestDelayMs = 5_000;

/** Puts answers off with timers alone; at most so many at once. */
export class SlowAnswers {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #stopped = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Nobody waits any more: this gateway stops. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Ends after `delayMs`, or when `gone` does; false, at once, when too many wait already. */
  wait(delayMs: number, gone?: AbortSignal): Promise<boolean> {
    if (this.#stopped || gone?.aborted) return Promise.resolve(true);
    if (this.#waiting.size >= this.#most) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#waiting.delete(end);
        resolve(true);
      };
      const timer = setTimeout(end, delayMs);
      this.#waiting.add(end);
      gone?.addEventListener('abort', end, { once: true });
    });
  }

  /** Lets all go on that wait, and those that come. */
  stop(): void {
    this.#stopped = true;
    for (const end of [...this.#waiting]) end();
  }
}

/** For how long a request waits that is so many beyond `requests`: the longest when it is as many again. */
export const delayOf = (beyond: number, requests: number): number =>
  beyond <= 0 ? 0 : Math.min(longestDelayMs, Math.ceil((longestDelayMs * beyond) / requests));
