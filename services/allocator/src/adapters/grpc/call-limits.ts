import { type Taken, TokenBuckets } from '@berth/access';
import { DomainError } from '@berth/errors';

const maxKeys = 10_000;

/**
 * How many calls a second one caller may begin, on this replica; and how many one host without a key that somebody holds, so that guessing
 * keys has a bound too. All methods throw `rate_limited`.
 */
export class CallLimits {
  readonly #perSecond: number;
  readonly #callers: TokenBuckets;
  readonly #strangers: TokenBuckets;

  /** 0: no limit. */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#callers = new TokenBuckets({ perSecond, maxKeys });
    this.#strangers = new TokenBuckets({ perSecond, maxKeys });
  }

  countCaller(principalId: string): void {
    this.#refuse(() => this.#callers.take(principalId, performance.now()));
  }

  /** Before anybody is asked about the key. `peer`: host and port, as gRPC names it. */
  checkHost(peer: string): void {
    this.#refuse(() => this.#strangers.look(hostOf(peer), performance.now()));
  }

  /** Nobody holds the key. */
  countStranger(peer: string): void {
    this.#refuse(() => this.#strangers.take(hostOf(peer), performance.now()));
  }

  #refuse(take: () => Taken): void {
    if (this.#perSecond === 0) return;
    const { allowed, retryAfterMs } = take();
    if (allowed) return;
    throw new DomainError('rate_limited', 'RATE_LIMITED', `More than ${this.#perSecond} calls a second.`, {
      retryAfterSeconds: Math.ceil(retryAfterMs / 1_000),
    });
  }
}

/** The host of a peer, as gRPC names it. */
export const hostOf = (peer: string): string => peer.replace(/:\d+$/, '');
