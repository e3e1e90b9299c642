import { DomainError, isKind } from '@berth/errors';
import { editForDrift, type FoundRule } from '../../domain/drift/drift-edit.ts';
import { vmNotFound } from '../../domain/errors.ts';
import type { Accepted, ChangeForwardsCommand } from '../commands.ts';
import type { VmReader } from '../vms/read-vms.ts';

export interface AcceptDriftDeps {
  readonly reader: VmReader;
  readonly submit: (command: ChangeForwardsCommand) => Promise<Accepted>;
}

/** What was found on the router, under the operation that is to take it over. */
export interface FoundDrift {
  readonly context: Omit<ChangeForwardsCommand, 'kind' | 'machineId' | 'edit'>;
  readonly vmId: string;
  readonly incarnation: number;
  readonly revision: number;
  readonly rules: readonly FoundRule[];
}

/**
 * Makes what was found what the VM shall have, as a change of its forwards like any other. Throws `unavailable` while the VM is being changed: that
 * change wins, and brings the router to what it asks for. `ifVersion` keeps one that comes in between from being undone.
 */
export async function acceptDrift({ reader, submit }: AcceptDriftDeps, drift: FoundDrift): Promise<string> {
  const { operationId } = drift.context;
  if ((await reader.operation(operationId)) !== undefined) return operationId;
  const vm = await reader.vm(drift.vmId);
  if (vm === undefined) throw vmNotFound(drift.vmId);
  const isNewest = vm.incarnation === drift.incarnation && vm.revision === drift.revision;
  if (vm.unsettled || vm.state !== 'active' || !isNewest) throw beingChanged();
  const edit = editForDrift(vm, drift.rules);
  try {
    await submit({ ...drift.context, ifVersion: vm.version, kind: 'change-forwards', machineId: vm.id, edit });
    return operationId;
  } catch (error) {
    throw isKind(error, 'precondition_failed') ? beingChanged() : error;
  }
}

const beingChanged = () =>
  new DomainError('unavailable', 'VM_BEING_CHANGED', 'The VM is being changed.', { retryAfterSeconds: 1 });
