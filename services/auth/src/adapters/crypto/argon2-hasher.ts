import { hash as argon2Hash, verify as argon2Verify } from '@node-rs/argon2';
import type { PasswordHasher } from '../../app/accounts/password-hasher.ts';
import { tooManyPasswords } from '../../domain/accounts/account-errors.ts';

/** What a hash costs, and how many may be under way. */
export interface HashingCost {
  readonly memoryKib: number;
  readonly passes: number;
  readonly lanes: number;
  /** So many at the same time: each holds a thread of the pool and its memory. */
  readonly atOnce: number;
  /** So many more wait; whoever comes then is refused. */
  readonly waiting: number;
}

const argon2id = 2; // the package's enum is a `const enum`, which stripping types does not know

/** argon2id on the thread pool, never on the event loop. */
export class Argon2Hasher implements PasswordHasher {
  readonly #cost: HashingCost;
  readonly #queue: (() => void)[] = [];
  readonly #nobodys: string;
  #running = 0;

  constructor(cost: HashingCost) {
    this.#cost = cost;
    // Well formed and made of no password: checking against it costs what any check costs.
    this.#nobodys = `$argon2id$v=19$${this.#parameters()}$${'A'.repeat(22)}$${'A'.repeat(43)}`;
  }

  hash(password: string): Promise<string> {
    const { memoryKib, passes, lanes } = this.#cost;
    const options = { algorithm: argon2id, memoryCost: memoryKib, timeCost: passes, parallelism: lanes };
    return this.#inTurn(() => argon2Hash(password, options));
  }

  async verify(hash: string | null, password: string): Promise<boolean> {
    const matches = await this.#inTurn(() => argon2Verify(hash ?? this.#nobodys, password));
    return matches && hash !== null;
  }

  isOutdated(hash: string): boolean {
    return !hash.startsWith(`$argon2id$v=19$${this.#parameters()}$`);
  }

  #parameters(): string {
    return `m=${this.#cost.memoryKib},t=${this.#cost.passes},p=${this.#cost.lanes}`;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#cost.atOnce) await this.#turn();
    else this.#running++;
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running--;
      else next(); // takes over this place
    }
  }

  #turn(): Promise<void> {
    if (this.#queue.length >= this.#cost.waiting) throw tooManyPasswords();
    return new Promise((resolve) => void this.#queue.push(resolve));
  }
}
