/** Answers come this fast, usually; a smaller difference is no reason to move, and windows of limits would flicker. */
const slackMs = 100;
const askAgainMs = 1_000;
/** Without limits nobody asks; but a machine that slept, or a database that moved, has another time now. */
const askAnywayMs = 60_000;

/** Milliseconds since 1970: the time when the process began, and how long that is ago. Setting the machine's clock does not move it. */
export const steadyClock = (): number => performance.timeOrigin + performance.now();

/**
 * The clock of auth's database, as far as this gateway knows it: its own, moved by what answers of auth tell. So all gateways agree on when a window
 * of a limit begins, however their own clocks go, within a tenth of a second and half of how long an answer takes.
 */
export class CommonClock {
  readonly #own: () => number;
  #movedMs = 0;
  #toldAt = Number.NEGATIVE_INFINITY;
  #first: Promise<void> | undefined;

  /** `own`: milliseconds since 1970, by this machine; best one that nobody sets. */
  constructor(own: () => number) {
    this.#own = own;
  }

  /** Milliseconds since 1970. */
  readonly now = (): number => this.#own() + this.#movedMs;

  /** Runs a question whose answer may tell the time there; undefined: it does not. */
  async asking<T>(question: () => Promise<T>, timeIn: (answer: T) => number | undefined): Promise<T> {
    const askedAt = this.#own();
    const answer = await question();
    const answeredAt = this.#own();
    this.#toldAt = answeredAt;
    const there = timeIn(answer);
    if (there === undefined) return answer;
    const halfWayMs = (answeredAt - askedAt) / 2;
    const movedMs = there - (askedAt + halfWayMs);
    if (Math.abs(movedMs - this.#movedMs) > slackMs + halfWayMs) this.#movedMs = Math.round(movedMs);
    return answer;
  }

  /** Asks until there was an answer, and again when there was none for a minute. Gives back its stop. */
  start(ask: () => Promise<unknown>): () => void {
    const first = Promise.withResolvers<void>();
    this.#first = first.promise.then(() => {
      this.#first = undefined;
    });
    const timer = setInterval(() => {
      first.resolve();
      if (this.#own() - this.#toldAt >= askAnywayMs) ask().catch(() => {}); // whoever needs units hears of it
    }, askAgainMs);
    timer.unref();
    ask()
      .catch(() => {})
      .finally(() => first.resolve());
    return () => {
      clearInterval(timer);
      first.resolve();
    };
  }

  /** What to wait for before the time is told, for a second at most; undefined: nothing. Auth may be away: then the own clock has to do. */
  unknown(): Promise<void> | undefined {
    return this.#first;
  }
}
