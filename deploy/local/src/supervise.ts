import { setTimeout as delay } from 'node:timers/promises';

/** Something that runs as a process of its own. */
export interface Running {
  readonly pid: number;
  /** Resolves when the process has ended, in words such as "signal SIGKILL". */
  readonly exited: Promise<string>;
  stop(): Promise<void>;
}

/** A process that is started again whenever it ends by itself. */
export interface Supervised<R extends Running> {
  current(): R;
  /** Stops it for good. */
  stop(): Promise<void>;
}

export interface SuperviseOptions<R extends Running> {
  readonly name: string;
  /**
   * Starts it and waits until it is ready. `previous` is what it was before it ended by itself. When `signal` aborts,
   * it is not wanted any more.
   */
  readonly start: (previous: R | undefined, signal: AbortSignal) => Promise<R>;
  readonly say: (text: string) => void;
  /** Breaks the first start off. */
  readonly signal: AbortSignal;
  /** Called after each start. */
  readonly onStart: (running: R) => void;
}

const firstPauseMs = 250;
const longestPauseMs = 10_000;
/** Whoever lived this long has overcome what ended it before. */
const steadyAfterMs = 30_000;

/** Starts it, which may fail, and keeps it running from then on, with growing pauses between failing starts. */
export async function supervise<R extends Running>(options: SuperviseOptions<R>): Promise<Supervised<R>> {
  const { name, say } = options;
  const stopping = new AbortController();
  const first = await options.start(undefined, options.signal);
  let current = first;
  let startedAt = performance.now();
  let pauseMs = firstPauseMs;
  options.onStart(first);

  const restart = async (reason: string): Promise<boolean> => {
    if (performance.now() - startedAt > steadyAfterMs) pauseMs = firstPauseMs;
    say(`${name} ended by itself (${reason}); starting it again in ${pauseMs} ms.`);
    await delay(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    if (stopping.signal.aborted) return false;
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    startedAt = performance.now();
    try {
      current = await options.start(current, stopping.signal);
    } catch (error) {
      if (stopping.signal.aborted) return false;
      return restart(error instanceof Error ? error.message : String(error));
    }
    if (stopping.signal.aborted) {
      await current.stop(); // it came up while everything stops
      return false;
    }
    say(`${name} runs again (process ${current.pid}).`);
    options.onStart(current);
    return true;
  };
  const keepRunning = async () => {
    for (;;) {
      const reason = await current.exited;
      if (stopping.signal.aborted || !(await restart(reason))) return;
    }
  };
  const kept = keepRunning();
  return {
    current: () => current,
    async stop() {
      stopping.abort();
      await current.stop();
      await kept;
    },
  };
}
