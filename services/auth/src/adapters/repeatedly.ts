import type { Logger } from '@berth/service-kit';

/** The stop of what runs repeatedly, which runs it a last time; `now` runs it at once, unless it is running. */
export interface Repetition {
  (): Promise<void>;
  now(): void;
}

/** Runs `work` every so often, never twice at once; a failure is logged and tried again at the next turn. */
export function repeatedly(everyMs: number, log: Logger, what: string, work: () => Promise<void>): Repetition {
  let running: Promise<void> | undefined;
  const run = (): Promise<void> => {
    running ??= work()
      .catch((error) => log.warn({ err: error, what }, 'background work failed'))
      .finally(() => {
        running = undefined;
      });
    return running;
  };
  const timer = setInterval(run, everyMs);
  const stop = async () => {
    clearInterval(timer);
    await running;
    await run();
  };
  return Object.assign(stop, { now: () => void run() });
}
