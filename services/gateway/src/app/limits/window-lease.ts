/** One limit of one subject in one window; the start in seconds since 1970. */
export interface QuotaWindow {
  readonly subject: string;
  readonly endpointGroup: string;
  readonly windowSeconds: number;
  readonly windowStart: number;
}

/** Units that are asked for: `needed` at once, `extra` to have at hand. */
export interface QuotaAsk {
  readonly window: QuotaWindow;
  readonly limit: number;
  readonly needed: number;
  readonly extra: number;
}

/** What is given, and how many are taken now by all gateways. */
export interface QuotaGrant {
  readonly granted: number;
  readonly taken: number;
}

interface Waiter {
  resolve(got: boolean): void;
  reject(error: unknown): void;
}

/** A lease is this part of its limit, so that replicas share well and few questions are asked. */
const leasePart = 20;
const largestLease = 10_000;
/** For how long it is believed that nothing is left: other gateways may give something back. */
const believedEmptyMs = 1_000;

/** What this gateway has leased of one window, and who waits for a unit of it. */
export class WindowLease {
  readonly window: QuotaWindow;
  /** Units at hand. */
  available = 0;
  /** A question is under way, or about to be sent. */
  asking = false;
  usedAtMs = 0;
  readonly endsAtMs: number;
  #most = 0;
  /** By all gateways, when it was last told. */
  #taken = 0;
  #emptyUntilMs = 0;
  #noneAheadUntilMs = 0;
  readonly #waiters: Waiter[] = [];

  constructor(window: QuotaWindow) {
    this.window = window;
    this.endsAtMs = (window.windowStart + window.windowSeconds) * 1_000;
  }

  get waiting(): number {
    return this.#waiters.length;
  }

  /** Units that were spent by all, as far as is known here. */
  get spent(): number {
    return this.#taken - this.available;
  }

  /** The same lease under a limit that may have changed: what is at hand beyond it is not spent any more. */
  heldTo(most: number, nowMs: number): this {
    this.usedAtMs = nowMs;
    if (most === this.#most) return this;
    if (most > this.#most) this.#emptyUntilMs = 0;
    this.#most = most;
    this.available = Math.max(0, Math.min(this.available, most - this.spent));
    return this;
  }

  spend(): void {
    this.available--;
  }

  /** Takes a unit as soon as there is one; false when none is left. */
  take(nowMs: number): Promise<boolean> {
    if (this.available > 0) {
      this.available--;
      return Promise.resolve(true);
    }
    if (nowMs < this.#emptyUntilMs) return Promise.resolve(false);
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }));
  }

  /** A unit that was taken and is not needed. */
  putBack(): void {
    this.available++;
    this.#serve();
  }

  /** All that is at hand, which is not at hand any more. */
  empty(): number {
    const units = this.available;
    this.available = 0;
    this.#taken -= units;
    return units;
  }

  /** Whether to ask for more before it runs out. */
  wantsMore(nowMs: number): boolean {
    return !this.asking && this.available * 2 < this.#extra && nowMs >= this.#noneAheadUntilMs && nowMs < this.endsAtMs;
  }

  ask(): QuotaAsk {
    return { window: this.window, limit: this.#most, needed: this.waiting, extra: this.#extra };
  }

  /** Takes what was given; who waited for what is not left is told so. */
  settle({ granted, taken }: QuotaGrant, needed: number, nowMs: number): void {
    this.asking = false;
    this.available += granted;
    this.#taken = taken;
    this.#serve();
    if (granted === 0) this.#noneAheadUntilMs = nowMs + believedEmptyMs;
    if (granted >= needed) return;
    this.#emptyUntilMs = nowMs + believedEmptyMs;
    for (const { resolve } of this.#waiters.splice(0)) resolve(false);
  }

  /** Nobody can tell what is left. */
  fail(error: unknown, nowMs: number): void {
    this.asking = false;
    this.#noneAheadUntilMs = nowMs + believedEmptyMs;
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }

  isOver(nowMs: number): boolean {
    return nowMs >= this.endsAtMs && this.waiting === 0 && !this.asking;
  }

  get #extra(): number {
    return Math.min(largestLease, Math.ceil(this.#most / leasePart));
  }

  #serve(): void {
    while (this.available > 0) {
      const waiter = this.#waiters.shift();
      if (waiter === undefined) return;
      this.available--;
      waiter.resolve(true);
    }
  }
}
