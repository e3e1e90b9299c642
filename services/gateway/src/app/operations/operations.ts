import { type Operation, OperationState, type Principal } from '@berth/contracts';

/** Tells what became of operations. */
export interface OperationReader {
  /** Throws `not_found` for one that is not known or not the principal's to see, `unavailable` when nobody answers. */
  get(principal: Principal, operationId: string, timeoutMs: number): Promise<Operation>;
}

/** Someone's wait for the end of an operation. */
export interface Ending {
  /** The operation as it ended; `undefined` when there is no use in waiting any longer (stop, or `forget`). */
  readonly outcome: Promise<Operation | undefined>;
  /** Ends the wait. To be called in any case. */
  forget(): void;
}

/** News of the ends of operations, as they pass. News may get lost: whoever waits must look from time to time. */
export interface OperationEndings {
  expect(operationId: string): Ending;
}

/** Whether anything can still become of it. */
export const hasEnded = (operation: Operation): boolean =>
  operation.state === OperationState.SUCCEEDED ||
  operation.state === OperationState.FAILED ||
  operation.state === OperationState.CANCELLED;
