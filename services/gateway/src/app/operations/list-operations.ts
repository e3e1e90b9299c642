import type { Operation, OperationKind, OperationState, Principal } from '@berth/contracts';

/** Which operations. What is empty does not matter. */
export interface OperationQuery {
  readonly states: OperationState[];
  readonly kinds: OperationKind[];
  /** A VM's name or id. */
  readonly machineId: string;
  readonly since: Date | undefined;
}

/** Lists operations. */
export interface OperationLister {
  /** A page, the newest first, and where the next one begins; empty on the last. */
  list(
    principal: Principal,
    page: { readonly size: number; readonly token: string },
    query: OperationQuery,
  ): Promise<{ readonly operations: readonly Operation[]; readonly nextPageToken: string }>;
}
