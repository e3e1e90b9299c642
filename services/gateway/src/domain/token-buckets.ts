/** Whether one more request may pass. */
export interface Taken {
  readonly allowed: boolean;
  /** Requests that may follow at once. */
  readonly remaining: number;
  /** After this, one more may pass (0 when one may now), in milliseconds. */
  readonly retryAfterMs: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * Counts requests of many callers, each in a bucket that holds as many tokens as may pass in a second and fills up evenly. Callers
 * beyond the bound push out those not heard of for longest, who start with a full bucket again.
 */
export class TokenBuckets {
  readonly #perSecond: number;
  readonly #maxKeys: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: { perSecond: number; maxKeys: number }) {
    this.#perSecond = options.perSecond;
    this.#maxKeys = options.maxKeys;
  }

  /** Takes a token of `key` at `nowMs` of a monotonic clock. */
  take(key: string, nowMs: number): Taken {
    const tokens = this.#tokensOf(key, nowMs);
    const taken = this.#taking(tokens);
    this.#buckets.delete(key);
    this.#dropOldest();
    this.#buckets.set(key, { tokens: taken.allowed ? tokens - 1 : tokens, atMs: nowMs });
    return taken;
  }

  /** What `take` would say; takes nothing. */
  look(key: string, nowMs: number): Taken {
    return this.#taking(this.#tokensOf(key, nowMs));
  }

  #tokensOf(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    const filled =
      bucket === undefined ? this.#perSecond : bucket.tokens + ((nowMs - bucket.atMs) * this.#perSecond) / 1_000;
    return Math.min(this.#perSecond, filled);
  }

  #taking(tokens: number): Taken {
    const allowed = tokens >= 1;
    const left = allowed ? tokens - 1 : tokens;
    const retryAfterMs = left >= 1 ? 0 : ((1 - left) * 1_000) / this.#perSecond;
    return { allowed, remaining: Math.floor(left), retryAfterMs };
  }

  #dropOldest(): void {
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size >= this.#maxKeys && !oldest.done) this.#buckets.delete(oldest.value);
  }
}
