import { randomUUID } from 'node:crypto';
import type { OrderedJson } from '../domain/config-json.ts';
import { type Answer, success } from './answer.ts';
import type { Clock } from './clock.ts';

const MOST_WAITING = 128;
const MOST_KEPT = 128;

type Status = 'queued' | 'running' | 'succeeded' | 'failed';
type Operation = {
  readonly id: string;
  /** Seconds since 1970, as the next two. */
  readonly createdAt: number;
  startedAt: number | null;
  finishedAt: number | null;
  status: Status;
  result: OrderedJson;
  error: string | null;
};

/** Writes that are not waited for (T7090): one after the other in the order they came. Lives as long as the API process. */
export class BackgroundOperations {
  readonly #clock: Clock;
  #operations: Operation[] = [];
  #last: Promise<void> = Promise.resolve();
  #isEnded = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Queues the work and answers at once; a 500 when too many wait. */
  submit(work: () => Promise<Answer>): Answer {
    if (this.#operations.filter(({ status }) => status === 'queued').length >= MOST_WAITING)
      return { kind: 'error', status: 500, text: `Background operation queue is full (${MOST_WAITING})` };
    const operation: Operation = {
      id: randomUUID(),
      createdAt: this.#seconds(),
      startedAt: null,
      finishedAt: null,
      status: 'queued',
      result: null,
      error: null,
    };
    this.#operations.push(operation);
    this.#last = this.#last.then(() => this.#run(operation, work));
    return success(new Map([['operation', recordOf(operation)]]));
  }

  /** The records, oldest first: all, or the one with this id, if it is known. */
  list(id: string | null): Answer {
    const wanted = this.#operations.filter((operation) => id === null || operation.id === id);
    return success(new Map([['operations', wanted.map(recordOf)]]));
  }

  /** What waits is never begun. */
  end(): void {
    this.#isEnded = true;
  }

  async #run(operation: Operation, work: () => Promise<Answer>): Promise<void> {
    if (this.#isEnded) return;
    operation.status = 'running';
    operation.startedAt = this.#seconds();
    const answer = await work();
    operation.finishedAt = this.#seconds();
    if (answer.kind === 'success') {
      operation.status = 'succeeded';
      operation.result = answer.data;
    } else {
      operation.status = 'failed';
      operation.error = 'text' in answer ? answer.text : null;
    }
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const finished = this.#operations.filter(({ finishedAt }) => finishedAt !== null);
    const forgotten = new Set(finished.slice(0, Math.max(0, finished.length - MOST_KEPT)));
    this.#operations = this.#operations.filter((operation) => !forgotten.has(operation));
  }

  #seconds(): number {
    return Math.floor(this.#clock.now() / 1_000);
  }
}

function recordOf(operation: Operation): OrderedJson {
  return new Map<string, OrderedJson>([
    ['op_id', operation.id],
    ['created_at', operation.createdAt],
    ['started_at', operation.startedAt],
    ['finished_at', operation.finishedAt],
    ['status', operation.status],
    ['result', operation.result],
    ['error', operation.error],
  ]);
}
