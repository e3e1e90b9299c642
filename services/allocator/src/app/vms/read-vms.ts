import { isMaker, notForYou, permitsFor, standing } from '@berth/contracts';
import { operationNotFound, vmNotFound } from '../../domain/errors.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import { isUuid } from '../../domain/text-rules.ts';
import type { Vm } from '../../domain/vms/vm.ts';
import type { Caller } from '../commands.ts';

/** Where an operation stands in its VM's queue. */
export interface OperationPlace {
  /** Pending: how many open operations on the same VM are before it. */
  readonly behind: number;
  /** Of the VM's revisions. */
  readonly incarnation: number;
}

/** Reads what has been committed. */
export interface VmReader {
  /** A living VM by name (ignoring case) or id. */
  vm(machineId: string): Promise<Vm | undefined>;
  operation(id: string): Promise<Operation | undefined>;
  /** The same, after every transaction that accepts commands and has looked at the clock before this call has ended. */
  operationAfterWriters(id: string): Promise<Operation | undefined>;
  /** Where an operation stands in its VM's queue. */
  placeOf(operation: Operation): Promise<OperationPlace>;
}

/** A VM that the caller may see; others do not exist for it. */
export async function getVm(deps: { reader: VmReader }, caller: Caller, machineId: string): Promise<Vm> {
  const vm = await deps.reader.vm(machineId);
  if (vm === undefined || !permitsFor(caller, 'vms:read', vm.ownerGroup)) throw vmNotFound(machineId);
  return vm;
}

/**
 * An operation that the caller may see, and with which it may do `verb`. "Not found" after the command's deadline is final: whoever was still about to accept it then has
 * been waited for.
 */
export async function getOperation(
  deps: { reader: VmReader },
  caller: Caller,
  id: string,
  verb: 'operations:read' | 'vms:write' = 'operations:read',
): Promise<Operation> {
  if (!isUuid(id)) throw operationNotFound(id);
  const operation = (await deps.reader.operation(id)) ?? (await deps.reader.operationAfterWriters(id));
  if (operation === undefined) throw operationNotFound(id);
  const { ownerGroup: group } = operation;
  const found = standing(caller, { group, verb, reading: 'operations:read', isOwn: isMaker(caller, operation) });
  if (found === 'hidden') throw operationNotFound(id);
  if (found === 'forbidden') throw notForYou(verb, group);
  return operation;
}
