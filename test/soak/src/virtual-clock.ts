import type { Clock } from '@berth/vyos-driver';

interface Waiter {
  readonly at: number;
  readonly then: () => void;
}

/** Time that passes only when it is told to, so that a day of waiting costs nothing. */
export class VirtualClock implements Clock {
  #now = 0;
  readonly #waiting = new Set<Waiter>();

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): () => void {
    const waiter = { at: this.#now + Math.max(0, ms), then };
    this.#waiting.add(waiter);
    return () => this.#waiting.delete(waiter);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Goes on to the next moment for which somebody waits, and wakes him. */
  toNext(): void {
    const [next] = [...this.#waiting].sort((a, b) => a.at - b.at);
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.then();
  }

  /** So much time passes, and whoever waited for less is woken on the way. */
  pass(ms: number): void {
    const until = this.#now + ms;
    while ([...this.#waiting].some(({ at }) => at <= until)) this.toNext();
    this.#now = until;
  }
}
