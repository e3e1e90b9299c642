/** Refusals of one caller that were counted instead of told one by one. */
export interface CountedRefusals {
  readonly caller: string;
  readonly count: number;
}

const windowMs = 60_000;
const oneByOne = 20;
const mostCallers = 10_000;
const everybodyElse = 'others';

/**
 * Which refusals are told one by one: so many of each caller a minute. The rest is counted, so that nobody fills the audit log by being refused,
 * and nothing of it goes unsaid.
 */
export class RefusalCounts {
  readonly #callers = new Map<string, { told: number; counted: number }>();
  #since: number;

  constructor(nowMs: number) {
    this.#since = nowMs;
  }

  /** Whether this refusal is to be told by itself. */
  note(caller: string): boolean {
    const known = this.#callers.has(caller) || this.#callers.size < mostCallers ? caller : everybodyElse;
    const seen = this.#callers.get(known) ?? { told: 0, counted: 0 };
    this.#callers.set(known, seen);
    const tell = seen.told < oneByOne;
    if (tell) seen.told++;
    else seen.counted++;
    return tell;
  }

  /** What was counted, once the minute is over; nothing before. `atOnce`: now. */
  take(nowMs: number, atOnce = false): readonly CountedRefusals[] {
    if (!atOnce && nowMs - this.#since < windowMs) return [];
    this.#since = nowMs;
    const counted = [...this.#callers].map(([caller, seen]) => ({ caller, count: seen.counted }));
    this.#callers.clear();
    return counted.filter(({ count }) => count > 0);
  }
}
