import type { DomainError } from '@berth/errors';
import { isKind, toDomainError } from '@berth/errors';
import { type Accepted, type Command, exclusiveKeys } from '../commands.ts';

/** Accepts several commands in one transaction; each has its own answer, in their order. A throw means that none was accepted for sure. */
export type AcceptTogether = (commands: readonly Command[]) => Promise<readonly (Accepted | DomainError)[]>;

interface Waiting {
  readonly command: Command;
  readonly keys: readonly string[];
  resolve(accepted: Accepted): void;
  reject(error: unknown): void;
}

const maxTogether = 200;
const pauseMs = 100;

/**
 * Group commit of commands: while one transaction runs, further commands queue, and the next transaction takes them all. What fails
 * unforeseen is tried alone, so that one bad command harms no other.
 */
export class CommandQueue {
  readonly #accept: AcceptTogether;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;

  constructor(accept: AcceptTogether) {
    this.#accept = accept;
  }

  /** Resolves when the transaction that accepted it has committed; rejects with why it was refused. */
  submit(command: Command): Promise<Accepted> {
    const { promise, resolve, reject } = Promise.withResolvers<Accepted>();
    this.#waiting.push({ command, keys: exclusiveKeys(command), resolve, reject });
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    await undefined; // what arrives in the same turn goes together
    while (this.#waiting.length > 0) await this.#acceptAll(this.#next());
  }

  /** The longest waiting that have nothing in common, in their order. */
  #next(): Waiting[] {
    const taken: Waiting[] = [];
    const left: Waiting[] = [];
    const seen = new Set<string>();
    for (const one of this.#waiting) {
      const fits = taken.length < maxTogether && !one.keys.some((key) => seen.has(key));
      for (const key of one.keys) seen.add(key); // also of those that wait on: they keep their turn before later ones
      (fits ? taken : left).push(one);
    }
    this.#waiting = left;
    return taken;
  }

  async #acceptAll(together: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#accept(together.map(({ command }) => command));
      for (const [index, { resolve, reject }] of together.entries()) {
        const answer = answers[index];
        if (answer !== undefined && 'operation' in answer) resolve(answer);
        else reject(toDomainError(answer));
      }
    } catch (error) {
      if (isKind(error, 'unavailable')) await this.#tryLater(together, error);
      else if (together.length > 1) for (const one of together) await this.#acceptAll([one]);
      else for (const { reject } of together) reject(error);
    }
  }

  /**
   * The database went away, and whether the commit landed is not known. A repeat finds out: the operation's id is the same, and it is
   * refused after its deadline. What is rejected here may have been accepted: `DATABASE_UNAVAILABLE` promises nothing, and whoever gets it
   * looks for the operation.
   */
  async #tryLater(together: readonly Waiting[], error: unknown): Promise<void> {
    const hope = together.filter(({ command }) => command.deadline.getTime() > Date.now());
    for (const one of together) if (!hope.includes(one)) one.reject(error);
    if (hope.length === 0) return;
    this.#waiting.unshift(...hope);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
