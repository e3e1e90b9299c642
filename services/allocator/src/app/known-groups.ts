import type { DomainError } from '@berth/errors';
import { unknownGroup } from '../domain/errors.ts';
import type { Command } from './commands.ts';

/** Which groups there are, as auth has told. */
export interface KnownGroups {
  /** Whether there is a group of this name. Throws `unavailable` when none is known and there may be one. */
  has(name: string): boolean;
  /** Where one of these is not known, learns of groups that were made a moment ago. */
  learn(names: readonly string[]): Promise<void>;
}

/** What is wrong with these groups, which `field` names, if any is not there. The empty name means none. */
export function groupFault(groups: KnownGroups, field: string, names: readonly string[]): DomainError | undefined {
  const unknown = names.find((name) => name !== '' && !groups.has(name));
  return unknown === undefined ? undefined : unknownGroup(field, unknown);
}

/** Throws what is wrong with these groups. */
export function assertGroups(groups: KnownGroups, field: string, names: readonly string[]): void {
  const fault = groupFault(groups, field, names);
  if (fault !== undefined) throw fault;
}

/** Learns of the groups that shall own something by these commands, for their acceptance, which cannot wait. */
export const learnOwners = (groups: KnownGroups, commands: readonly Command[]): Promise<void> =>
  groups.learn(commands.map(ownerIn));

/** A VM that is restored is again what it was, also of a group that is gone. */
function ownerIn(command: Command): string {
  switch (command.kind) {
    case 'provision-vm':
    case 'adopt-vm':
      return command.ownerGroup;
    case 'update-vm':
      return command.update.ownerGroup ?? '';
    default:
      return '';
  }
}
