/** Where waiting is done. Durations and times are milliseconds, times since 1970. */
export type Clock = { now(): number; sleep(ms: number): Promise<void> };

/** The machine's clock. When it is stopped all who wait go on at once, so nothing keeps the process alive. */
export class RealClock implements Clock {
  readonly #waiting = new Map<NodeJS.Timeout, () => void>();
  #isStopped = false;

  now(): number {
    return performance.timeOrigin + performance.now();
  }

  sleep(ms: number): Promise<void> {
    if (ms <= 0 || this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(timer);
        resolve();
      }, ms);
      this.#waiting.set(timer, resolve);
    });
  }

  stop(): void {
    this.#isStopped = true;
    for (const [timer, resolve] of this.#waiting) {
      clearTimeout(timer);
      resolve();
    }
    this.#waiting.clear();
  }
}
