import { DomainError } from '@berth/errors';

export const vmNotFound = (machineId: string): DomainError =>
  new DomainError('not_found', 'VM_NOT_FOUND', `There is no VM "${machineId}".`);

export const operationNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'OPERATION_NOT_FOUND', `There is no operation "${id}".`);

export const bulkNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'BULK_NOT_FOUND', `There is no bulk "${id}".`);

export const foreignGroup = (): DomainError =>
  new DomainError('forbidden', 'OWNER_GROUP_FORBIDDEN', 'Only VMs of your own group can be made.');

export const deadlinePassed = (): DomainError =>
  new DomainError('unavailable', 'DEADLINE_PASSED', 'The request could not be accepted in time. Nothing was done.', {
    retryAfterSeconds: 1,
  });

export const idempotencyKeyReused = (): DomainError =>
  new DomainError(
    'unprocessable',
    'IDEMPOTENCY_KEY_REUSED',
    'This Idempotency-Key was used for another request within the last 24 hours.',
  );

export const idempotencyKeyRunning = (operationId: string): DomainError =>
  new DomainError('conflict', 'IDEMPOTENCY_KEY_RUNNING', 'The request with this Idempotency-Key is still running.', {
    operationId,
  });

export const operationIdTaken = (): DomainError =>
  new DomainError('conflict', 'OPERATION_ID_TAKEN', 'The operation id belongs to another request.');

export type ClaimKind = 'vm_id' | 'vm_name' | 'mac' | 'mapping';

const claimErrors: Record<ClaimKind, (value: string) => DomainError> = {
  vm_id: () => new DomainError('conflict', 'VM_ID_TAKEN', 'The VM id was used before.'),
  vm_name: (name) => new DomainError('conflict', 'VM_NAME_TAKEN', `A VM named "${name}" exists already.`),
  mac: (mac) => new DomainError('conflict', 'MAC_TAKEN', `The MAC address ${mac} has a static mapping already.`),
  mapping: (name) =>
    new DomainError('conflict', 'HOSTNAME_TAKEN', `A static mapping named "${name}" exists on the router already.`),
};

export const claimTaken = (kind: ClaimKind, value: string): DomainError => claimErrors[kind](value);

export const externalPortTaken = (port: number): DomainError =>
  new DomainError('conflict', 'EXTERNAL_PORT_TAKEN', `The external port ${port} is taken.`);

export const addressPoolExhausted = (): DomainError =>
  new DomainError('exhausted', 'ADDRESS_POOL_EXHAUSTED', 'No address is left.');

/** The caller named one address, and others have it on the router. */
export const addressTaken = (address: string): DomainError =>
  new DomainError('conflict', 'ADDRESS_TAKEN', `The address ${address} is taken on the router.`);

export const portPoolExhausted = (): DomainError =>
  new DomainError('exhausted', 'PORT_POOL_EXHAUSTED', 'No external port is left.');

export const rulePoolExhausted = (): DomainError =>
  new DomainError('exhausted', 'RULE_POOL_EXHAUSTED', 'No run of free rule numbers is long enough.');
