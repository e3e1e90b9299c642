import { DomainError } from '@berth/errors';
import { operationNotFound, vmNotFound } from '../domain/errors.ts';
import type { Operation } from '../domain/operation.ts';
import { isUuid } from '../domain/text-rules.ts';
import type { Vm } from '../domain/vm.ts';
import type { Caller } from './commands.ts';

/** Reads what has been committed. */
export interface VmReader {
  /** A living VM by name (ignoring case) or id. */
  vm(machineId: string): Promise<Vm | undefined>;
  /** Living VMs in the order of their names; `group` empty: of all groups. */
  page(page: { group: string; after: readonly [string, string] | undefined; size: number }): Promise<readonly Vm[]>;
  operation(id: string): Promise<Operation | undefined>;
  /** The same, after every transaction that accepts commands and has looked at the clock before this call has ended. */
  operationAfterWriters(id: string): Promise<Operation | undefined>;
}

const defaultPageSize = 500;
const maxPageSize = 1_000;

/** A VM that the caller may see; others do not exist for it. */
export async function getVm(deps: { reader: VmReader }, caller: Caller, machineId: string): Promise<Vm> {
  const vm = await deps.reader.vm(machineId);
  if (vm === undefined || (caller.group !== '' && caller.group !== vm.ownerGroup)) throw vmNotFound(machineId);
  return vm;
}

/** A page of the VMs that the caller may see, and where the next one begins. */
export async function listVms(
  deps: { reader: VmReader },
  caller: Caller,
  page: { readonly size: number; readonly token: string },
): Promise<{ readonly vms: readonly Vm[]; readonly nextToken: string }> {
  const size = Math.min(page.size || defaultPageSize, maxPageSize);
  // one more than the page tells whether there is another
  const found = await deps.reader.page({ group: caller.group, after: readToken(page.token), size: size + 1 });
  const vms = found.slice(0, size);
  const last = vms.at(-1);
  return { vms, nextToken: last && found.length > size ? writeToken(last) : '' };
}

/**
 * An operation that the caller may see. "Not found" after the command's deadline is final: whoever was still about to accept it then has
 * been waited for.
 */
export async function getOperation(deps: { reader: VmReader }, caller: Caller, id: string): Promise<Operation> {
  if (!isUuid(id)) throw operationNotFound(id);
  const operation = (await deps.reader.operation(id)) ?? (await deps.reader.operationAfterWriters(id));
  const visible =
    operation !== undefined &&
    (caller.group === '' || caller.group === operation.ownerGroup || caller.id === operation.principalId);
  if (!visible) throw operationNotFound(id);
  return operation;
}

const writeToken = ({ name, id }: Vm): string =>
  Buffer.from(JSON.stringify([name.toLowerCase(), id])).toString('base64url');

function readToken(token: string): readonly [string, string] | undefined {
  if (token === '') return undefined;
  try {
    const [name, id]: unknown[] = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (typeof name === 'string' && typeof id === 'string' && isUuid(id)) return [name, id];
  } catch {
    // falls through: it is not one of ours
  }
  throw new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'The page token is not one that was given out.', {
    fields: [{ field: 'cursor', message: 'is not one that was given out' }],
  });
}
