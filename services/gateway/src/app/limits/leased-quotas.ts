import { DomainError } from '@berth/errors';
import { type CountedLimit, mostOf } from '../../domain/limits/counted-limits.ts';
import { type QuotaAsk, type QuotaGrant, type QuotaWindow, WindowLease } from './window-lease.ts';

/** Where units come from and go back to. */
export interface QuotaSource {
  /** Answers in the order of the asks. */
  lease(asks: readonly QuotaAsk[]): Promise<readonly QuotaGrant[]>;
  giveBack(returns: readonly { readonly window: QuotaWindow; readonly units: number }[]): Promise<void>;
}

/** How a request stands to one of its limits. */
export interface Standing {
  readonly limit: CountedLimit;
  readonly allowed: boolean;
  /** How many of all requests in this window came before, with this one; as far as this gateway knows. */
  readonly spent: number;
  /** When the window ends, in milliseconds since 1970. */
  readonly endsAtMs: number;
}

const mostInOneAsk = 1_000;
const mostWindows = 50_000;
const idleMs = 10_000;

/**
 * Counts requests over all gateways without asking for each: units are leased from the common counter in advance and spent here. Nobody
 * ever spends a unit that was not leased, so all gateways together never admit more than a limit.
 */
export class LeasedQuotas {
  readonly #source: QuotaSource;
  readonly #now: () => number;
  readonly #leases = new Map<string, WindowLease>();
  readonly #toAsk = new Set<WindowLease>();

  constructor({ source, now }: { source: QuotaSource; now: () => number }) {
    this.#source = source;
    this.#now = now;
  }

  /**
   * Takes a unit of each limit, or of none. Answers at once when all are at hand; otherwise when they have come. Throws
   * `unavailable` when they are not at hand and cannot be had.
   */
  take(limits: readonly CountedLimit[]): readonly Standing[] | Promise<readonly Standing[]> {
    const nowMs = this.#now();
    const leases = limits.map((limit) => this.#leaseOf(limit, nowMs));
    if (leases.every((lease) => lease.available > 0)) {
      for (const lease of leases) lease.spend();
      this.#askAhead(leases, nowMs);
      return limits.map((limit, at) => standing(limit, leases[at], true));
    }
    return this.#takeWaiting(limits, leases, nowMs);
  }

  /** Drops windows that have ended, and gives back what nobody used for a while. */
  async sweep(): Promise<void> {
    const nowMs = this.#now();
    for (const [name, lease] of this.#leases) if (lease.isOver(nowMs)) this.#leases.delete(name);
    await this.#giveBack((lease) => nowMs - lease.usedAtMs >= idleMs);
  }

  /** Gives everything back. */
  stop(): Promise<void> {
    return this.#giveBack(() => true);
  }

  async #takeWaiting(
    limits: readonly CountedLimit[],
    leases: readonly WindowLease[],
    nowMs: number,
  ): Promise<readonly Standing[]> {
    const taking = leases.map((lease) => lease.take(nowMs));
    for (const lease of leases) if (lease.waiting > 0) this.#ask(lease);
    const outcomes = await Promise.allSettled(taking);
    const all = outcomes.every((outcome) => outcome.status === 'fulfilled' && outcome.value);
    if (!all) {
      for (const [at, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled' && outcome.value) leases[at]?.putBack();
      }
    }
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw limitsUnavailable(failed.reason);
    this.#askAhead(leases, nowMs);
    return limits.map((limit, at) => {
      const outcome = outcomes[at];
      return standing(limit, leases[at], outcome?.status === 'fulfilled' && outcome.value);
    });
  }

  #leaseOf(limit: CountedLimit, nowMs: number): WindowLease {
    const { subject, endpointGroup, windowSeconds } = limit;
    const windowStart = Math.floor(nowMs / 1_000 / windowSeconds) * windowSeconds;
    const name = `${subject} ${endpointGroup} ${windowSeconds}`;
    const known = this.#leases.get(name);
    if (known?.window.windowStart === windowStart) return known.heldTo(mostOf(limit), nowMs);
    const made = new WindowLease({ subject, endpointGroup, windowSeconds, windowStart });
    this.#makeRoom();
    this.#leases.set(name, made);
    return made.heldTo(mostOf(limit), nowMs);
  }

  /** What the dropped one had leased is lost until its window ends: nobody is admitted for it. */
  #makeRoom(): void {
    if (this.#leases.size < mostWindows) return;
    for (const [name, lease] of this.#leases) {
      if (lease.waiting > 0) continue;
      this.#leases.delete(name);
      return;
    }
  }

  #askAhead(leases: readonly WindowLease[], nowMs: number): void {
    for (const lease of leases) if (lease.wantsMore(nowMs)) this.#ask(lease);
  }

  #ask(lease: WindowLease): void {
    if (lease.asking) return;
    lease.asking = true;
    if (this.#toAsk.size === 0) setImmediate(() => this.#flush());
    this.#toAsk.add(lease);
  }

  #flush(): void {
    const leases = [...this.#toAsk];
    this.#toAsk.clear();
    for (let from = 0; from < leases.length; from += mostInOneAsk) {
      void this.#lease(leases.slice(from, from + mostInOneAsk));
    }
  }

  async #lease(leases: readonly WindowLease[]): Promise<void> {
    const asks = leases.map((lease) => lease.ask());
    try {
      const grants = await this.#source.lease(asks);
      const nowMs = this.#now();
      for (const [at, lease] of leases.entries()) {
        lease.settle(grants[at] ?? { granted: 0, taken: 0 }, asks[at]?.needed ?? 0, nowMs);
        if (lease.waiting > 0) this.#ask(lease); // came while this was under way
      }
    } catch (error) {
      for (const lease of leases) lease.fail(error, this.#now());
    }
  }

  async #giveBack(which: (lease: WindowLease) => boolean): Promise<void> {
    const nowMs = this.#now();
    const returns = [...this.#leases.values()]
      .filter((lease) => lease.available > 0 && nowMs < lease.endsAtMs && which(lease))
      .map((lease) => ({ window: lease.window, units: lease.empty() }));
    for (let from = 0; from < returns.length; from += mostInOneAsk) {
      await this.#source.giveBack(returns.slice(from, from + mostInOneAsk));
    }
  }
}

const standing = (limit: CountedLimit, lease: WindowLease | undefined, allowed: boolean): Standing => ({
  ...{ limit, allowed },
  spent: lease?.spent ?? 0,
  endsAtMs: lease?.endsAtMs ?? 0,
});

const limitsUnavailable = (cause: unknown): DomainError =>
  new DomainError(
    'unavailable',
    'LIMITS_UNAVAILABLE',
    'Whether this is within its limits cannot be told at the moment.',
    { retryAfterSeconds: 2 },
    { cause },
  );
