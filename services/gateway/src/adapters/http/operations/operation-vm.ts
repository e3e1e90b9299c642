import type { Operation, Vm } from '@berth/contracts';
import { DomainError } from '@berth/errors';

/** The VM as a successful operation left it. */
export function vmOf(operation: Operation): Vm {
  if (operation.vm === undefined) throw new DomainError('bug', 'INTERNAL', 'The operation came without its VM.');
  return operation.vm;
}
