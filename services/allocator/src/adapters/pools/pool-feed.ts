import { WatchPoolsResponseSchema } from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { Logger } from '@berth/service-kit';
import { fromBinary } from '@bufbuild/protobuf';
import type { ChangeFeed, ChangeHead, KeptChange } from '../../app/pools/watch-pools.ts';
import { changesAfter, type StoredChange, watchHead } from '../postgres/pools/pool-changes.ts';

const pageSize = 200;
const lookEveryMs = 1_000;

interface Waiting {
  readonly revision: number;
  readonly wake: () => void;
}

/**
 * The changes of pools for all watchers of this process. Whoever waits is woken when the database is seen to have more: looked at when
 * the bell rings, and each second while anybody waits, since a bell may be missed.
 */
export class PoolFeed implements ChangeFeed<Uint8Array> {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #waiting = new Set<Waiting>();
  readonly #timer: NodeJS.Timeout;
  #seen = -1;
  #looking: Promise<void> | undefined;
  #isRung = false;
  #isStopped = false;

  constructor(deps: { readonly database: Database; readonly log: Logger }) {
    this.#database = deps.database;
    this.#log = deps.log;
    this.#timer = setInterval(() => this.ring(), lookEveryMs);
  }

  head(): Promise<ChangeHead> {
    return watchHead(this.#database);
  }

  async after(revision: number): Promise<KeptChange<Uint8Array>[]> {
    return (await changesAfter(this.#database, revision, pageSize)).map(toKept);
  }

  moreThan(revision: number, signal: AbortSignal): Promise<void> {
    if (this.#isStopped) throw new DomainError('unavailable', 'SERVICE_UNAVAILABLE', 'This replica is being stopped.');
    if (signal.aborted || this.#seen > revision) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const waiting: Waiting = { revision, wake };
    this.#waiting.add(waiting);
    signal.addEventListener('abort', wake, { once: true });
    return promise.finally(() => {
      this.#waiting.delete(waiting);
      signal.removeEventListener('abort', wake);
    });
  }

  /** Something may have changed. */
  ring(): void {
    this.#isRung = true;
    if (this.#waiting.size === 0 || this.#isStopped) return;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
  }

  /** Whoever waits is woken, and hears that this replica is being stopped when it waits again. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    for (const { wake } of this.#waiting) wake();
    await this.#looking;
  }

  async #look(): Promise<void> {
    while (this.#isRung && !this.#isStopped) {
      this.#isRung = false;
      try {
        const { revision } = await this.head();
        this.#seen = revision;
        // A smaller one is that of a restored database: watchers have to look at that themselves.
        for (const waiting of this.#waiting) if (waiting.revision !== revision) waiting.wake();
      } catch (error) {
        this.#log.debug({ err: error }, 'changes of pools could not be looked at: the next turn tries again');
      }
    }
  }
}

const toKept = ({ revision, kind, router, message }: StoredChange): KeptChange<Uint8Array> => {
  const groups = fromBinary(WatchPoolsResponseSchema, message).pool?.groups ?? [];
  return { revision, kind, router, groups, told: message };
};
