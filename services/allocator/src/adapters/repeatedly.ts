import type { Logger } from '@berth/service-kit';

/** Does `work` every `everyMs`, never twice at once; a failure is logged and the next turn tries again. Gives back its stop. */
export function repeatedly(
  everyMs: number,
  log: Logger,
  what: string,
  work: () => Promise<unknown>,
): () => Promise<void> {
  let working: Promise<void> | undefined;
  const timer = setInterval(() => {
    working ??= work()
      .then(() => {})
      .catch((error) => log.warn({ err: error, what }, 'a recurring task failed: its next turn tries again'))
      .finally(() => {
        working = undefined;
      });
  }, everyMs);
  return async () => {
    clearInterval(timer);
    await working;
  };
}
