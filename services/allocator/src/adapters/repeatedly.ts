import type { Logger } from '@berth/service-kit';

/**
 * Does `work` every `everyMs`, never twice at once; after a failure the next turn tries again. Told are the first failure and the end of
 * failing, not each turn of an outage. Gives back its stop.
 */
export function repeatedly(
  everyMs: number,
  log: Logger,
  what: string,
  work: () => Promise<unknown>,
): () => Promise<void> {
  let working: Promise<void> | undefined;
  let failing = false;
  const succeeded = () => {
    if (failing) log.info({ what }, 'a recurring task works again');
    failing = false;
  };
  const failed = (error: unknown) => {
    log[failing ? 'debug' : 'warn']({ err: error, what }, 'a recurring task failed: its next turn tries again');
    failing = true;
  };
  const timer = setInterval(() => {
    working ??= work()
      .then(succeeded, failed)
      .finally(() => {
        working = undefined;
      });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await working;
  };
}
