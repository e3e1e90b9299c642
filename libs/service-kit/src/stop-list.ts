import type { Logger } from './logger.ts';

/** What is to be stopped, the last first, each awaited before the next. A stop that fails is logged and hinders no other. */
export class StopList {
  readonly #stops: (() => Promise<unknown> | unknown)[] = [];
  readonly #log: Logger;
  #running = false;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Once stopping has begun, what is added (by a set-up that was still going on) is stopped at once. */
  push(stop: () => Promise<unknown> | unknown): void {
    this.#stops.push(stop);
    if (this.#running) void this.run();
  }

  async run(): Promise<void> {
    this.#running = true;
    for (let stop = this.#stops.pop(); stop !== undefined; stop = this.#stops.pop()) {
      try {
        await stop();
      } catch (error) {
        this.#log.error({ err: error }, 'stopping a part failed');
      }
    }
  }
}
