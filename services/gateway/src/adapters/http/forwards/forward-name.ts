import { DomainError } from '@berth/errors';
import { canBeForwardName } from '../../../domain/forwards/forwards.ts';

/** The forward that a path names. One that no forward can have is as unknown as any other. */
export function forwardNameOf(name: string): string {
  if (canBeForwardName(name)) return name;
  throw portNotFound();
}

/** The VM has no such forward. */
export const portNotFound = (): DomainError =>
  new DomainError('not_found', 'PORT_NOT_FOUND', 'There is no forward of this name.');
