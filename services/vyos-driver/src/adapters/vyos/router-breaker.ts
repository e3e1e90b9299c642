import CircuitBreaker from 'opossum';
import type { ConfigureOutcome } from '../../domain/answers/answer.ts';
import type { ConfirmOutcome, ReadOutcome, SaveOutcome } from '../../domain/answers/interpret-answer.ts';
import type { Operation } from '../../domain/changes/plan.ts';
import type { ConfigPath } from '../../domain/config-tree.ts';
import type { CallOptions, RouterClient, Timed } from './router-client.ts';

/** `closed`: everything is sent. `open`: nothing is. `half_open`: a probe goes before the next call. */
export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerSettings {
  /** Opens after so many outages in a row; default 3. */
  readonly threshold?: number;
  /** After so long an open breaker lets a probe through; default 10,000. */
  readonly resetTimeoutMs?: number;
}

type AnyOutcome = { readonly kind: string; readonly fenced?: boolean; readonly text?: string };
type Call = () => Promise<AnyOutcome>;

/** The router did not answer, or answered nothing that tells. A refusal is an answer. */
const outages: ReadonlySet<string> = new Set(['not_sent', 'unclear', 'away']);

/** Tells opossum of an outage, which is an outcome like any other to the caller. */
class Outage extends Error {}

const refusal = 'The router has not answered several times, so it is not asked for a while.';

/**
 * A RouterClient that stops asking a router which does not answer. The same calls; while it is open nothing is sent, and they end as
 * `not_sent` or `away`. After a while one cheap read is let through, and its answer closes the breaker. Only outages in a row count:
 * a refusal, a lock or a wrong key show that the router is up.
 */
export class RouterBreaker {
  readonly #client: RouterClient;
  readonly #breaker: CircuitBreaker<[Call], AnyOutcome>;
  readonly #threshold: number;
  readonly #resetTimeoutMs: number;
  readonly #listeners = new Set<(state: BreakerState) => void>();
  #outages = 0;
  #openedAt = 0;
  /** The words of the last outage. */
  #lastText = '';

  constructor(client: RouterClient, settings: BreakerSettings = {}) {
    this.#client = client;
    this.#threshold = settings.threshold ?? 3;
    this.#resetTimeoutMs = settings.resetTimeoutMs ?? 10_000;
    this.#breaker = new CircuitBreaker(async (call: Call) => this.#counted(await call()), {
      timeout: false, // each request has its own, and one that is cut off is not over on the router
      resetTimeout: this.#resetTimeoutMs,
      errorThresholdPercentage: 100, // the share is never above it: the row below opens the breaker
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    });
    this.#breaker.on('open', () => {
      this.#openedAt = performance.now();
      this.#tell('open');
    });
    this.#breaker.on('halfOpen', () => this.#tell('half_open'));
    this.#breaker.on('close', () => {
      this.#outages = 0;
      this.#tell('closed');
    });
  }

  get state(): BreakerState {
    if (this.#breaker.opened) return 'open';
    return this.#breaker.halfOpen ? 'half_open' : 'closed';
  }

  get drops(): number {
    return this.#client.drops;
  }

  /** In how many seconds another try is worth it; 0 while the breaker is closed. */
  retryAfterSeconds(): number {
    if (this.state === 'closed') return 0;
    const leftMs = this.#openedAt + this.#resetTimeoutMs - performance.now();
    return Math.max(1, Math.ceil(leftMs / 1_000));
  }

  /** Calls `listener` with each new state. Gives back how to stop that. */
  onChange(listener: (state: BreakerState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  configure(
    operations: readonly Operation[],
    options: CallOptions & { readonly confirmMinutes?: number | undefined },
  ): Promise<Timed<ConfigureOutcome>> {
    return this.#guard(options, () => this.#client.configure(operations, options), this.#notSent);
  }

  /**
   * Goes to a half-open breaker as the probe itself: it is what is sent while a commit may still run on the router, where a read beside it
   * could end the router's API.
   */
  async emptyConfigure(options: CallOptions): Promise<Timed<ConfigureOutcome>> {
    const call = () => this.#client.emptyConfigure(options);
    return this.state === 'half_open' ? this.#send(call, this.#notSent) : this.#guard(options, call, this.#notSent);
  }

  confirm(options: CallOptions): Promise<Timed<ConfirmOutcome>> {
    return this.#guard(options, () => this.#client.confirm(options), this.#away);
  }

  /** Not counted: the calls around it show whether the router is there. */
  reachable(options: Pick<CallOptions, 'timeoutMs'>): Promise<boolean> {
    return this.#client.reachable(options);
  }

  showConfig(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>> {
    return this.#guard(options, () => this.#client.showConfig(path, options), this.#away);
  }

  exists(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>> {
    return this.#guard(options, () => this.#client.exists(path, options), this.#away);
  }

  save(options: CallOptions & { readonly file?: string }): Promise<Timed<SaveOutcome>> {
    return this.#guard(options, () => this.#client.save(options), this.#away);
  }

  /** Not counted, since what it asks for is absent on some versions; not asked while the breaker is open. */
  async version(options: CallOptions & { readonly tellsInfo?: boolean }): Promise<string | undefined> {
    return (await this.#admits(options)) ? this.#client.version(options) : undefined;
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#breaker.shutdown();
    await this.#client.close();
  }

  async #guard<Outcome extends AnyOutcome>(
    options: CallOptions,
    call: () => Promise<Timed<Outcome>>,
    refused: Outcome,
  ): Promise<Timed<Outcome>> {
    return (await this.#admits(options)) ? this.#send(call, refused) : { outcome: refused, durationMs: 0 };
  }

  async #send<Outcome extends AnyOutcome>(
    call: () => Promise<Timed<Outcome>>,
    refused: Outcome,
  ): Promise<Timed<Outcome>> {
    let timed: Timed<Outcome> = { outcome: refused, durationMs: 0 };
    await this.#fire(async () => {
      timed = await call();
      return timed.outcome;
    });
    return timed;
  }

  /** Whether a call may be sent; asks the router first when it did not answer for a while. */
  async #admits(options: CallOptions): Promise<boolean> {
    if (this.state === 'half_open' && options.mayStillSend()) {
      // Reads whatever it is asked for from the whole configuration, so that nothing is cheaper.
      await this.#fire(async () => (await this.#client.exists(['service', 'https'], options)).outcome);
    }
    return this.state === 'closed';
  }

  async #fire(call: Call): Promise<void> {
    try {
      await this.#breaker.fire(call);
    } catch (error) {
      const refusedByBreaker = error instanceof Error && 'code' in error && error.code === 'EOPENBREAKER';
      if (!(error instanceof Outage) && !refusedByBreaker) throw error;
    }
  }

  /** A request that was held back on this side says nothing of the router; to a half-open breaker it is no proof that it is up. */
  #counted(outcome: AnyOutcome): AnyOutcome {
    if (outcome.fenced === true && !this.#breaker.halfOpen) return outcome;
    if (!outages.has(outcome.kind)) {
      this.#outages = 0;
      return outcome;
    }
    this.#outages += 1;
    this.#lastText = outcome.text ?? '';
    if (this.#outages >= this.#threshold) this.#breaker.open();
    throw new Outage(outcome.kind);
  }

  /** Says why nothing is sent: without what the last try met, nobody could mend it. */
  get #refusal(): string {
    return this.#lastText === '' ? refusal : `${refusal} The last time: ${this.#lastText}`;
  }

  get #notSent(): ConfigureOutcome {
    return { kind: 'not_sent', text: this.#refusal };
  }

  get #away() {
    return { kind: 'away', text: this.#refusal } as const;
  }

  #tell(state: BreakerState): void {
    for (const listener of this.#listeners) listener(state);
  }
}
