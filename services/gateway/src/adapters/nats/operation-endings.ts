import { type Operation, OperationEndedSchema, subjects } from '@berth/contracts';
import { type Bus, listen } from '@berth/messaging';
import type { Ending, OperationEndings } from '../../app/operations/operations.ts';

/** The news of ended operations, for as many waiters as there are over one subscription. */
export interface RunningEndings extends OperationEndings {
  /** How many wait. */
  readonly waiting: number;
  /** Lets everyone who waits, or will, know that there is no use in waiting. */
  stop(): void;
}

type Tell = (operation: Operation | undefined) => void;

/** Starts listening to the ends of operations. */
export function listenToEndings(bus: Bus): RunningEndings {
  const waiters = new Map<string, Set<Tell>>();
  let stopped = false;
  const unsubscribe = listen(bus, subjects.anyOperationEnded, OperationEndedSchema, ({ operation }) => {
    for (const tell of waiters.get(operation?.id ?? '') ?? []) tell(operation);
  });

  return {
    get waiting() {
      return waiters.size;
    },
    expect(operationId): Ending {
      const { promise, resolve } = Promise.withResolvers<Operation | undefined>();
      if (stopped) resolve(undefined);
      const tellers = waiters.get(operationId) ?? new Set();
      waiters.set(operationId, tellers.add(resolve));
      const forget = () => {
        resolve(undefined);
        tellers.delete(resolve);
        if (tellers.size === 0 && waiters.get(operationId) === tellers) waiters.delete(operationId);
      };
      return { outcome: promise, forget };
    },
    stop() {
      stopped = true;
      unsubscribe();
      for (const tellers of waiters.values()) for (const tell of tellers) tell(undefined);
    },
  };
}
