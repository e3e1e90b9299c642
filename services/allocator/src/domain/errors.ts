import { DomainError } from '@berth/errors';

export const vmNotFound = (machineId: string): DomainError =>
  new DomainError('not_found', 'VM_NOT_FOUND', `There is no VM "${machineId}".`);

export const portNotFound = (name: string): DomainError =>
  new DomainError('not_found', 'PORT_NOT_FOUND', `The port "${name}" does not exist; create it first.`);

export const unknownPort = (name: string): DomainError =>
  new DomainError('invalid', 'UNKNOWN_PORT', `The VM knows no port "${name}".`, {
    fields: [{ field: 'ports', message: `no port is named "${name}"` }],
  });

export const forwardExists = (name: string): DomainError =>
  new DomainError('conflict', 'FORWARD_EXISTS', `The VM has a forward "${name}" already.`);

/** If-Match: what the caller saw is not what there is. */
export const versionMismatch = (expected: number, actual: number): DomainError =>
  new DomainError('precondition_failed', 'VERSION_MISMATCH', `It is at version ${actual}, not ${expected}.`);

export const operationNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'OPERATION_NOT_FOUND', `There is no operation "${id}".`);

/** What it was asked to become as it was cancelled: undone before any commit began with it. */
export const operationCancelled = (): DomainError =>
  new DomainError('conflict', 'OPERATION_CANCELLED', 'The operation was cancelled before it was carried out.');

export const operationUnderWay = (): DomainError =>
  new DomainError('conflict', 'OPERATION_UNDER_WAY', 'A commit has begun with it: it cannot be cancelled any more.');

export const operationEnded = (state: string): DomainError =>
  new DomainError('conflict', 'OPERATION_ENDED', `The operation has ended: it ${state}.`);

export const bulkNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'BULK_NOT_FOUND', `There is no bulk "${id}".`);

/** Somebody wants a VM to belong to a group in which it may not write. */
export const foreignGroup = (group: string): DomainError =>
  new DomainError(
    'forbidden',
    'OWNER_GROUP_FORBIDDEN',
    `A VM can only belong to a group for which you hold vms:write, and you do not for ${group === '' ? 'VMs of no group' : `"${group}"`}.`,
  );

/** The VM's values are of a pool that the group may not have values from. */
export const poolNotForGroup = (pool: string, group: string): DomainError =>
  new DomainError(
    'conflict',
    'POOL_NOT_FOR_GROUP',
    `Values of the VM are of ${pool}, which is not for the group "${group}".`,
    {
      resource: { type: 'pool', name: pool },
    },
  );

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

/** The caller named one address, and others have it on the router. */
export const addressTaken = (address: string): DomainError =>
  new DomainError('conflict', 'ADDRESS_TAKEN', `The address ${address} is taken on the router.`);

const aboutPool = (name: string) => ({ resource: { type: 'pool', name } });

/** What was asked for is not left; `pool` is its name, or undefined for values of no pool. Nothing is kept then. */
const exhausted = (code: string) => (asked: string, pool: string | undefined) =>
  pool === undefined
    ? new DomainError('exhausted', code, `Not enough is left in what was asked for: ${asked}.`)
    : new DomainError('exhausted', code, `Not enough is left in ${pool}: ${asked} asked for.`, aboutPool(pool));

export const addressPoolExhausted = exhausted('ADDRESS_POOL_EXHAUSTED');
export const portPoolExhausted = exhausted('PORT_POOL_EXHAUSTED');
export const rulePoolExhausted = exhausted('RULE_POOL_EXHAUSTED');

/** No value of the range is for those who ask: not even one that is held. */
export const nothingOfRange = (code: string, range: string): DomainError =>
  new DomainError('exhausted', code, `Nothing of ${range} can be handed out.`);

/** Whoever may do something with the things of all groups still names one that is there. */
export const unknownGroup = (field: string, name: string): DomainError =>
  new DomainError('invalid', 'UNKNOWN_GROUP', `There is no group "${name}".`, {
    fields: [{ field, message: `there is no group "${name}"` }],
  });

/** Also said of a pool that the VM's group may not have values from: others' things do not exist. */
export const unknownPool = (field: string, name: string): DomainError =>
  new DomainError('invalid', 'UNKNOWN_POOL', `There is no pool "${name}".`, {
    fields: [{ field, message: `there is no pool "${name}" for this group on this router` }],
  });

export const poolNotActive = (pool: string, state: string): DomainError =>
  new DomainError('conflict', 'POOL_NOT_ACTIVE', `${pool} is ${state} and hands out nothing.`, aboutPool(pool));

export const noDefaultPool = (router: string, kind: string): DomainError =>
  new DomainError('conflict', 'NO_DEFAULT_POOL', `The router ${router} has no default among its ${kind}; name a pool.`);

export const poolOverlap = (one: string, other: string): DomainError =>
  new DomainError('conflict', 'POOL_OVERLAP', `${one} and ${other} have values in common.`, {
    ...aboutPool(one),
    pools: [one, other],
  });

/** The same for who may not see the other pool. */
export const hiddenOverlap = (own: string): DomainError =>
  new DomainError('conflict', 'POOL_OVERLAP', `${own} and a pool of others have values in common.`, aboutPool(own));

export const protocolNotInPool = (field: string, protocol: string, pool: string): DomainError =>
  new DomainError('invalid', 'PROTOCOL_NOT_IN_POOL', `${pool} has no ${protocol} ports.`, {
    fields: [{ field, message: `${pool} has no ${protocol} ports` }],
  });

/** What the caller wished for lies wholly outside of the pool that it named. */
export const outsidePool = (field: string, pool: string): DomainError =>
  new DomainError('invalid', 'INVALID_REQUEST', `${field}: nothing of it is of ${pool}`, {
    fields: [{ field, message: `nothing of it is of ${pool}` }],
  });
