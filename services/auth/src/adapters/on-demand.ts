import type { Logger } from '@berth/service-kit';
import { repeatedly } from './repeatedly.ts';

/** Work that is done when it is asked for, and looked for now and then. */
export interface OnDemand {
  /** There may be work: it is done soon, also when it comes up while other work is being done. */
  readonly wake: () => void;
  /** Waits for what is being done. */
  stop(): Promise<void>;
}

/** Runs `work` when woken and every so often, one at a time in this process; a failure is logged and tried again at the next turn. */
export function onDemand(everyMs: number, log: Logger, what: string, work: () => Promise<void>): OnDemand {
  let isWanted = false;
  let isStopping = false;
  let running: Promise<void> | undefined;
  const workWhileWanted = async () => {
    while (isWanted && !isStopping) {
      isWanted = false;
      await work().catch((error) => log.warn({ err: error, what }, 'background work failed'));
    }
    running = undefined;
  };
  const wake = () => {
    isWanted = true;
    running ??= workWhileWanted();
  };
  const stopLooking = repeatedly(everyMs, log, what, async () => wake());
  return {
    wake,
    async stop() {
      isStopping = true;
      await stopLooking();
      await running;
    },
  };
}
