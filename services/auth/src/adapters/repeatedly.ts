import type { Logger } from '@berth/service-kit';

/** Runs `work` every so often, never twice at once; a failure is logged and tried again at the next turn. Its stop runs it a last time. */
export function repeatedly(everyMs: number, log: Logger, what: string, work: () => Promise<void>): () => Promise<void> {
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
  return async () => {
    clearInterval(timer);
    await running;
    await run();
  };
}
