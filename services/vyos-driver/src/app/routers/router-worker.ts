import { randomUUID } from 'node:crypto';
import { DomainError } from '@berth/errors';
import { Bell, pause } from '../bell.ts';
import { growingMs } from '../driver-times.ts';
import { type LeaseStore, RouterLease } from '../lease.ts';
import { LeaseLost, type RouterLedger } from '../router-ledger.ts';
import { RouterSession } from '../session/session.ts';
import type { SessionParts } from '../session/session-parts.ts';
import { workRouter } from './work-router.ts';

export interface WorkerParts extends Omit<SessionParts, 'ledger' | 'lease' | 'stopping' | 'bell'> {
  readonly leases: LeaseStore;
  /** The router's ledger under an epoch. */
  readonly ledgerOf: (epoch: bigint) => RouterLedger;
  /** Called when the router's place in the network cannot be told, so that no change could be right. The worker has stopped then. */
  readonly onProfileProblem: (problem: DomainError) => void;
  /**
   * Runs `take`, one worker of this process after the other, with how long the router must have been nobody's to be taken: 0 while the process
   * has less than its share of all routers.
   */
  readonly inTurn: <T>(take: (patienceMs: number) => Promise<T>) => Promise<T>;
}

/**
 * One router's worker in this process. Workers of the same router in all processes compete for its lease; the holder works, the others look
 * again every `pollMs`. Failures end a session, never the worker.
 */
export class RouterWorker {
  readonly #parts: WorkerParts;
  readonly #holder = randomUUID();
  readonly #bell: Bell;
  readonly #stopping = new AbortController();
  readonly #looked = Promise.withResolvers<void>();
  #lease: RouterLease | undefined;
  #session = new AbortController();
  #isHolding = false;
  #running: Promise<void> | undefined;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#bell = new Bell(parts.clock);
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Changes wait: look for them now. */
  wake(): void {
    this.#bell.ring();
  }

  /** Whether this process works the router. */
  get isHolding(): boolean {
    return this.#isHolding;
  }

  /** Ends the session once its request in flight has, so that another process can take the router. */
  giveAway(): void {
    this.#session.abort();
    this.#bell.ring();
  }

  /** Resolves when the router was looked at, did not answer, or somebody else looks after it; rejects with the problem of its profile. */
  looked(): Promise<void> {
    return this.#looked.promise;
  }

  /** Ends once the request in flight has, however long that takes, and gives the lease back. `stop` may be called meanwhile. */
  async end(): Promise<void> {
    this.#stopping.abort();
    this.#bell.ring();
    await this.#running;
    this.#looked.resolve();
  }

  /** Lets the request in flight end, for a while, and gives the lease back. What is not settled then is settled by the next holder. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#bell.ring();
    const ended = Promise.resolve(this.#running);
    const grace = new AbortController();
    await Promise.race([ended.finally(() => grace.abort()), pause(this.#parts.times.stopGraceMs, grace.signal)]);
    await this.#giveBack(this.#lease);
    this.#looked.resolve();
  }

  async #run(): Promise<void> {
    const { log, times, name } = this.#parts;
    for (let failures = 0; !this.#stopping.signal.aborted; ) {
      try {
        const ended = await this.#takeTurn();
        failures = 0;
        if (ended === 'not_holder') await this.#bell.sleep(times.pollMs, this.#stopping.signal);
      } catch (error) {
        if (isProfileProblem(error)) return this.#giveUp(error);
        failures += 1;
        if (error instanceof LeaseLost)
          log.warn({ router: name, reason: error.message }, 'router session ended: lease lost');
        else log.error({ router: name, err: error }, 'router session failed');
        await pause(growingMs(failures, times.awayFirstMs, times.awayMostMs), this.#stopping.signal, this.#parts.clock);
      }
    }
  }

  async #takeTurn(): Promise<'ended' | 'not_holder'> {
    const { leases, log, times, name, inTurn } = this.#parts;
    const lease = await inTurn(async (patienceMs) => {
      const taken = await RouterLease.acquire({ store: leases, log, times }, name, this.#holder, patienceMs);
      this.#isHolding = taken !== undefined;
      return taken;
    });
    if (lease !== undefined) return this.#work(lease);
    this.#looked.resolve();
    return 'not_holder';
  }

  async #work(lease: RouterLease): Promise<'ended'> {
    const { log, metrics, name } = this.#parts;
    this.#lease = lease;
    this.#session = new AbortController();
    const stopping = AbortSignal.any([this.#stopping.signal, this.#session.signal]);
    try {
      log.info({ router: name, epoch: String(lease.epoch) }, 'router lease taken');
      metrics.leaseEpoch(name, lease.epoch);
      const ledger = this.#parts.ledgerOf(lease.epoch);
      const parts = { ...this.#parts, ledger, lease, bell: this.#bell, stopping };
      const session = new RouterSession(parts, await ledger.load(), await ledger.ownedPaths());
      await workRouter(session, () => this.#looked.resolve());
      return 'ended';
    } finally {
      this.#isHolding = false;
      await this.#giveBack(lease);
    }
  }

  /** Not given back, it runs out. */
  async #giveBack(lease: RouterLease | undefined): Promise<void> {
    const { log, name } = this.#parts;
    await lease?.release().catch((error) => log.warn({ router: name, err: error }, 'router lease was not given back'));
  }

  #giveUp(problem: DomainError): void {
    this.#looked.reject(problem);
    this.#parts.onProfileProblem(problem);
  }
}

const isProfileProblem = (error: unknown): error is DomainError =>
  error instanceof DomainError && error.code.startsWith('ROUTER_PROFILE_');
