import { Worker } from 'node:worker_threads';
import type { PasswordStrength } from '../../app/accounts/check-password.ts';
import { tooManyPasswords } from '../../domain/accounts/account-errors.ts';

/** What the thread is asked. */
export interface StrengthQuestion {
  readonly id: number;
  readonly password: string;
  readonly inputs: readonly string[];
}

/** What it answers. */
export interface StrengthAnswer {
  readonly id: number;
  readonly strength: PasswordStrength;
}

interface Asker {
  resolve(strength: PasswordStrength): void;
  reject(error: unknown): void;
}

/** Two seconds of work, as a rule: whoever comes then would not get an answer in time. */
const usualMostAsking = 50;

/**
 * Estimates passwords with zxcvbn on a thread of its own, which begins with the first one: strangers who register must not hold up the event
 * loop, on which gateways are told what was revoked. Answers come in the order of the questions.
 */
export class StrengthThread {
  readonly #mostAsking: number;
  readonly #asking = new Map<number, Asker>();
  #worker: Worker | undefined;
  #lastId = 0;

  constructor(mostAsking = usualMostAsking) {
    this.#mostAsking = mostAsking;
  }

  /** Throws `unavailable` SIGN_IN_BUSY when too many wait. */
  async estimate(password: string, inputs: readonly string[]): Promise<PasswordStrength> {
    if (this.#asking.size >= this.#mostAsking) throw tooManyPasswords();
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<PasswordStrength>();
    this.#asking.set(id, { resolve, reject });
    this.#worker ??= this.#begin();
    this.#worker.ref();
    this.#worker.postMessage({ id, password, inputs } satisfies StrengthQuestion);
    return promise;
  }

  /** Ends the thread; who still waits is refused. */
  async stop(): Promise<void> {
    await this.#worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(new URL('./strength-worker.ts', import.meta.url));
    worker.on('message', ({ id, strength }: StrengthAnswer) => {
      this.#asking.get(id)?.resolve(strength);
      this.#asking.delete(id);
      if (this.#asking.size === 0) worker.unref(); // an idle thread keeps no process alive
    });
    worker.on('error', (error) => this.#end(worker, error));
    worker.on('exit', () => this.#end(worker, new Error('the thread that estimates passwords has ended')));
    return worker;
  }

  /** The next question begins another thread, whose askers an end that is told late does not concern. */
  #end(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    for (const { reject } of this.#asking.values()) reject(error);
    this.#asking.clear();
  }
}
