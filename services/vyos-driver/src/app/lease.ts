import type { Log } from './ports.ts';
import { LeaseLost } from './router-ledger.ts';

/** Leases of routers, as rows timed by the database's clock. */
export interface LeaseStore {
  /** The new epoch, or undefined while somebody else holds the router. Each success begins a new epoch. */
  acquire(router: string, holder: string, ttlMs: number): Promise<bigint | undefined>;
  /** False when another epoch has begun. */
  renew(router: string, epoch: bigint, ttlMs: number): Promise<boolean>;
  /** Lets others acquire at once. Does nothing when another epoch has begun. */
  release(router: string, epoch: bigint): Promise<void>;
}

export interface LeaseTimes {
  readonly leaseTtlMs: number;
  /** Nothing is sent in the last part of the lease: the drift of two clocks and the writing of a request must fit in. */
  readonly leaseMarginMs: number;
}

/**
 * A held lease. Renews itself beside the work, at a fifth of its time. The fence is reckoned from the *start* of the last renewal that
 * succeeded, on a monotonic clock: the database set the end later than that, so this end is never the later one.
 */
export class RouterLease {
  readonly router: string;
  readonly epoch: bigint;
  readonly #deps: { readonly store: LeaseStore; readonly log: Log; readonly times: LeaseTimes };
  readonly #lost = new AbortController();
  #renewedAt: number;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  private constructor(
    deps: { store: LeaseStore; log: Log; times: LeaseTimes },
    router: string,
    epoch: bigint,
    renewedAt: number,
  ) {
    this.#deps = deps;
    this.router = router;
    this.epoch = epoch;
    this.#renewedAt = renewedAt;
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew().finally(() => {
        this.#renewing = undefined;
      });
    }, deps.times.leaseTtlMs / 5);
  }

  static async acquire(
    deps: { store: LeaseStore; log: Log; times: LeaseTimes },
    router: string,
    holder: string,
  ): Promise<RouterLease | undefined> {
    const startedAt = performance.now();
    const epoch = await deps.store.acquire(router, holder, deps.times.leaseTtlMs);
    return epoch === undefined ? undefined : new RouterLease(deps, router, epoch, startedAt);
  }

  /** Aborted when the lease is lost or given up. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The fence: true while a request whose body is written now is surely inside the lease. */
  mayStillSend = (): boolean => {
    const { leaseTtlMs, leaseMarginMs } = this.#deps.times;
    return !this.#lost.signal.aborted && performance.now() < this.#renewedAt + leaseTtlMs - leaseMarginMs;
  };

  throwIfLost(): void {
    if (this.#lost.signal.aborted) throw new LeaseLost(`the lease of router ${this.router} is lost`);
  }

  /** Closes the fence for good without telling anybody: what a paused or dying process comes to. */
  abandon(): void {
    clearInterval(this.#timer);
    this.#lost.abort();
  }

  /** Closes the fence, then lets others in. */
  async release(): Promise<void> {
    const wasLost = this.#lost.signal.aborted;
    this.abandon();
    await this.#renewing;
    if (!wasLost) await this.#deps.store.release(this.router, this.epoch);
  }

  async #renew(): Promise<void> {
    const { store, log, times } = this.#deps;
    const startedAt = performance.now();
    try {
      if (await store.renew(this.router, this.epoch, times.leaseTtlMs)) this.#renewedAt = startedAt;
      else this.abandon();
    } catch (error) {
      log.warn({ err: error, router: this.router }, 'lease could not be renewed');
    }
    if (performance.now() > this.#renewedAt + times.leaseTtlMs) this.abandon();
  }
}
