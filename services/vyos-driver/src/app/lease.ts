import type { Log } from './ports.ts';
import { LeaseLost } from './router-ledger.ts';

/** Leases of routers, as rows timed by the database's clock. */
export interface LeaseStore {
  /**
   * The new epoch, or undefined while somebody else holds the router, or when it is not to be worked with the settings that this store is for.
   * Each success begins a new epoch. `patienceMs`: only when nobody has taken it for so long.
   */
  acquire(router: string, holder: string, ttlMs: number, patienceMs?: number): Promise<bigint | undefined>;
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

/** On both clocks, in milliseconds. */
interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

const thisMoment = (): Moment => ({ monotonic: performance.now(), wall: Date.now() });

const elapsedMs = (since: Moment): number => Math.max(performance.now() - since.monotonic, Date.now() - since.wall);

/**
 * A held lease. Renews itself beside the work, at a fifth of its time. The fence is reckoned from the *start* of the last renewal that
 * succeeded: the database set the end later than that, so this end is never the later one. Of the monotonic clock and the wall clock the one on which
 * more time has passed counts: the first stands still while a hypervisor holds the machine, the second may be set back. No call of the database
 * is waited for longer than the margin, since a connection that swallows everything would hold up a stop for minutes.
 */
export class RouterLease {
  readonly router: string;
  readonly epoch: bigint;
  readonly #deps: { readonly store: LeaseStore; readonly log: Log; readonly times: LeaseTimes };
  readonly #lost = new AbortController();
  #renewedAt: Moment;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  private constructor(
    deps: { store: LeaseStore; log: Log; times: LeaseTimes },
    router: string,
    epoch: bigint,
    renewedAt: Moment,
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
    patienceMs = 0,
  ): Promise<RouterLease | undefined> {
    const startedAt = thisMoment();
    const epoch = await deps.store.acquire(router, holder, deps.times.leaseTtlMs, patienceMs);
    return epoch === undefined ? undefined : new RouterLease(deps, router, epoch, startedAt);
  }

  /** Aborted when the lease is lost or given up. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** The fence: true while a request whose body is written now is surely inside the lease. */
  mayStillSend = (): boolean => {
    const { leaseTtlMs, leaseMarginMs } = this.#deps.times;
    return !this.#lost.signal.aborted && elapsedMs(this.#renewedAt) < leaseTtlMs - leaseMarginMs;
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
    if (!wasLost) await this.#within(this.#deps.store.release(this.router, this.epoch));
  }

  /** What the call gives; throws when it takes longer than the margin. */
  async #within<T>(call: Promise<T>): Promise<T> {
    const limitMs = this.#deps.times.leaseMarginMs;
    const { promise: tooLate, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`the database did not answer within ${limitMs} ms`)), limitMs);
    try {
      return await Promise.race([call, tooLate]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #renew(): Promise<void> {
    const { store, log, times } = this.#deps;
    const startedAt = thisMoment();
    try {
      if (await this.#within(store.renew(this.router, this.epoch, times.leaseTtlMs))) this.#renewedAt = startedAt;
      else this.abandon();
    } catch (error) {
      log.warn({ err: error, router: this.router }, 'lease could not be renewed');
    }
    if (elapsedMs(this.#renewedAt) > times.leaseTtlMs) this.abandon();
  }
}
