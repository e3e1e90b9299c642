/** The time by which a router's worker waits and reckons. The lease keeps to the machine's and the database's clocks, whatever this one shows. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** Calls `then` once, in so many milliseconds. Gives back what calls that off. */
  after(ms: number, then: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};
