import type { WireError } from '@berth/errors';
import type { AdoptionRequest } from '../adoption/adoption.ts';
import type { PortAction } from '../forwards/change-forwards.ts';
import type { ForwardsEdit } from '../forwards/edit-forwards.ts';
import type { Forward } from '../forwards/forward.ts';
import type { NumberRange } from '../number-range.ts';
import type { RestoreRequest } from '../restore/restore.ts';
import type { Holding } from '../values/holdings.ts';
import type { Vm, Wanted } from '../vms/vm.ts';
import type { VmUpdate } from '../vms/vm-update.ts';

export type OperationKind =
  | 'provision-vm'
  | 'adopt-vm'
  | 'restore-vm'
  | 'change-ports'
  | 'change-forwards'
  | 'update-vm'
  | 'decommission-vm';
export type OperationState = 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';

export const hasEnded = ({ state }: { state: OperationState }): boolean => state !== 'pending' && state !== 'running';

/** What a provision asks for beyond what its VM keeps; needed until its values are reserved, in the transaction that accepts it. */
export interface ProvisionRequest {
  readonly vmName: string;
  readonly macAddress: string;
  readonly hostname: string;
  readonly router: string;
  /** The pools that its values shall be of, as the caller wrote them; empty: the defaults. */
  readonly pools: { readonly ip: string; readonly port: string; readonly rule: string };
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly addressRange: NumberRange | undefined;
  readonly portRange: NumberRange | undefined;
  /** Planned: the template's and what was wished; numbers of the block count from 0 until it is chosen. */
  readonly forwards: readonly Forward[];
}

/** A verdict as far as the way back needs it. */
export interface Refusal {
  /** The values may have been live for a moment. */
  readonly stood: boolean;
  /** Nobody refused it: it was taken back before a commit began with it. */
  readonly withdrawn?: boolean;
}

/** An item of a bulk. */
export interface BulkPlace {
  readonly id: string;
  readonly index: number;
}

/** An accepted request and what became of it; the instance that the sagas work on. */
export interface Operation {
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly router: string;
  readonly vmId: string;
  readonly vmName: string;
  readonly ownerGroup: string;
  readonly principalId: string;
  readonly principalName: string;
  /** The user who asked, with whichever key; empty: nobody. */
  readonly userId: string;
  readonly requestId: string;
  readonly traceparent: string;
  /** change-ports: what was asked for. */
  readonly portAction: PortAction | null;
  readonly portNames: readonly string[];
  /** change-forwards: what was asked for. */
  readonly edit: ForwardsEdit | null;
  /** update-vm: what was asked for. restore-vm of one that is there: its metadata and group. */
  readonly update: VmUpdate | null;
  /** provision-vm: where the address must lie, if the caller said so. */
  readonly addressRange: NumberRange | null;
  /** The saga's step that waits; empty when none does. */
  readonly step: string;
  /** The revision that carries it to the router; 0 before. */
  readonly revision: number;
  /** When its values were reserved and that revision was sent. */
  readonly sentAt: Date | null;
  /** It shall be cancelled if the driver can still take its revision back. */
  readonly cancelAsked: boolean;
  /** What the VM has on its router once this operation is done. */
  readonly wanted: Wanted | null;
  /** What forwards got for this operation; what its undo gives back. */
  readonly reserved: readonly Holding[];
  /** Some of `reserved` may have been live for a moment, as a verdict said before other parts of it were chosen anew. */
  readonly stood: boolean;
  /** A revision that it shared with others was refused: the next try is its alone. */
  readonly alone: boolean;
  /** How often it got other values, because others held on the router what was chosen. */
  readonly retries: number;
  readonly result: Vm | null;
  readonly error: WireError | null;
  /** The bulk that it is part of, and its item's place there. */
  readonly bulk?: BulkPlace | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;

  // Known in the transaction that accepts or settles it, and not stored:
  readonly request?: ProvisionRequest;
  readonly adoption?: AdoptionRequest;
  readonly restore?: RestoreRequest;
  /** It is being accepted: should it fail now, it is refused and nothing is kept of it. */
  readonly fresh?: boolean;
  /** The caller will not wait for a router that is away: then refuse instead of accepting. */
  readonly impatient?: boolean;
  readonly refusal?: Refusal;
}
