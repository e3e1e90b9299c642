import { DomainError, toDomainError } from '@berth/errors';
import type { Operation } from '../../domain/operations/operation.ts';
import { type Books, type Ledger, LookAgain } from '../ports.ts';

export interface AttemptDeps {
  readonly ledger: Ledger;
  /** Hears of each operation whose start failed in a way that nobody foresaw. */
  readonly onBug: (error: unknown, operationId: string) => void;
}

/**
 * A transaction that starts operations, tried until none of them breaks it: first all together; when that throws what nobody foresaw, one
 * by one, so that it is known which one it is; and then without that one, which fails.
 */
export class StartAttempt {
  readonly #deps: AttemptDeps;
  readonly #broken = new Map<string, DomainError>();
  #starting: readonly Operation[] = [];
  #oneByOne = false;

  constructor(deps: AttemptDeps) {
    this.#deps = deps;
  }

  /** Each VM's operations go alone, even those that could share a revision. */
  get oneByOne(): boolean {
    return this.#oneByOne;
  }

  /** Why the operation cannot be started; undefined for one that did no harm so far. */
  errorOf({ id }: Operation): DomainError | undefined {
    return this.#broken.get(id);
  }

  /** Does `start` with these: all at once, or each by itself. */
  async each(
    operations: readonly Operation[],
    start: (operations: readonly Operation[]) => Promise<void>,
  ): Promise<void> {
    const groups = this.#oneByOne ? operations.map((operation) => [operation]) : [operations];
    for (const group of groups) {
      this.#starting = group;
      await start(group);
      this.#starting = [];
    }
  }

  /** Runs `work` in a transaction until that succeeds, or fails for another reason than an operation that it starts. */
  async transaction(routers: readonly string[], work: (books: Books) => Promise<void>): Promise<void> {
    for (;;) {
      this.#starting = [];
      try {
        return await this.#deps.ledger.transaction(routers, (books) => {
          this.#starting = []; // it may be a repeat
          return work(books);
        });
      } catch (error) {
        const [operation, ...others] = this.#starting;
        if (operation === undefined || this.#isForeseen(error)) throw error;
        if (others.length > 0) this.#oneByOne = true;
        else {
          this.#broken.set(operation.id, toDomainError(error));
          this.#deps.onBug(error, operation.id);
        }
      }
    }
  }

  #isForeseen(error: unknown): boolean {
    return error instanceof DomainError || error instanceof LookAgain || this.#deps.ledger.mayPass(error);
  }
}
