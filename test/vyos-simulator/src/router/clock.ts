/** Where waiting is done. Durations and times are milliseconds, times since 1970. Once stopped, nobody waits any more. */
export interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
  stop(): void;
}

/** The machine's clock. When it is stopped all who wait go on at once, so nothing keeps the process alive. */
export class RealClock implements Clock {
  readonly #waiting = new Map<NodeJS.Timeout, () => void>();
  #isStopped = false;

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer);
        resolve();
      }, ms);
      this.#waiting.set(timer, resolve);
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer);
      resolve();
    }
    this.#waiting.clear();
  }
}

type Sleeper = { readonly at: number; readonly wake: () => void };

/** A clock that stands still until it is advanced by hand: hours of a router's life take a moment, and are always the same. */
export class ManualClock implements Clock {
  #now: number;
  #sleepers: Sleeper[] = [];
  #isStopped = false;

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** How many wait at this moment. A request that was sent is not among them before it has arrived. */
  get sleepers(): number {
    return this.#sleepers.length;
  }

  now(): number {
    return this.#now;
  }

  sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#isStopped) return Promise.resolve();
    return new Promise((wake) => this.#sleepers.push({ at: this.#now + ms, wake }));
  }

  /** Lets so much time pass. Whoever waits wakes in order, and has gone on to its next wait before time goes on. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (let next = await this.#nextBy(until); next !== undefined; next = await this.#nextBy(until)) {
      this.#now = next.at;
      this.#sleepers = this.#sleepers.filter((sleeper) => sleeper !== next);
      next.wake();
    }
    this.#now = until;
  }

  stop(): void {
    this.#isStopped = true;
    for (const { wake } of this.#sleepers) wake();
    this.#sleepers = [];
  }

  async #nextBy(until: number): Promise<Sleeper | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    const earliest = this.#sleepers.toSorted((left, right) => left.at - right.at)[0];
    return earliest !== undefined && earliest.at <= until ? earliest : undefined;
  }
}
