import { DomainError } from '@berth/errors';
import { canBeMachineId } from '../../../domain/vms/vm-name.ts';

/** The VM that a path names. One that no VM can have is as unknown as any other. */
export function machineIdOf(params: { readonly machine_id: string }): string {
  if (canBeMachineId(params.machine_id)) return params.machine_id;
  throw new DomainError('not_found', 'VM_NOT_FOUND', 'There is no VM of this name or id.');
}
