import { type Clock, systemClock } from './clock.ts';

/** Wakes one sleeper. A ring while nobody sleeps is remembered, so that none is lost between looking for work and lying down. */
export class Bell {
  readonly #clock: Clock;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Resolves at the next ring, after `ms`, or when `signal` aborts; true when it rang. */
  async sleep(ms: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#rung && !signal.aborted && ms > 0) await this.#lieDown(ms, signal);
    const rang = this.#rung;
    this.#rung = false;
    return rang;
  }

  async #lieDown(ms: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#clock.after(ms, resolve);
    this.#wake = resolve;
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal.removeEventListener('abort', onAbort);
    callOff();
    this.#wake = undefined;
  }
}

/** Waits; ends early when `signal` aborts. */
export async function pause(ms: number, signal: AbortSignal, clock?: Clock): Promise<void> {
  await new Bell(clock).sleep(ms, signal);
}
