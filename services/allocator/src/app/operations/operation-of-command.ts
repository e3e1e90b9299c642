import type { Operation } from '../../domain/operations/operation.ts';
import type { Vm } from '../../domain/vms/vm.ts';
import type { Command } from '../commands.ts';
import { maxRetries } from '../values/choose-elsewhere.ts';
import type { MachineCommand } from './command-kinds.ts';

/** The operation that a command starts, as far as it is the same for all kinds. */
export function newOperation(command: Command, now: Date) {
  return {
    id: command.operationId,
    kind: command.kind,
    state: 'pending',
    principalId: command.caller.id,
    principalName: command.caller.name,
    userId: command.caller.userId,
    requestId: command.requestId,
    traceparent: command.traceparent,
    portAction: null,
    portNames: [],
    edit: null,
    update: null,
    addressRange: null,
    step: '',
    revision: 0,
    sentAt: null,
    cancelAsked: false,
    wanted: null,
    reserved: [],
    stood: false,
    alone: false,
    retries: command.pinned ? maxRetries : 0,
    result: null,
    error: null,
    createdAt: now,
    updatedAt: now,
    fresh: true,
    impatient: !command.mayWait,
    bulk: command.bulk,
  } as const;
}

/** What a command asks of its VM. */
export function askedOf(command: MachineCommand, vm: Vm): Partial<Operation> {
  switch (command.kind) {
    case 'change-ports': {
      const ofTemplate = vm.forwards.flatMap((forward) => (forward.ofTemplate ? [forward.name] : []));
      return { portAction: command.action, portNames: command.names.length > 0 ? command.names : ofTemplate };
    }
    case 'change-forwards':
      return { edit: command.edit };
    case 'update-vm':
      return { update: command.update };
    default:
      return {};
  }
}
