import type { Group } from '../../domain/users/group.ts';
import type { User } from '../../domain/users/user.ts';

/** What a new group is made of. */
export type NewGroup = Omit<Group, 'builtIn' | 'version' | 'createdAt' | 'updatedAt'>;

/** Groups, within a transaction. */
export interface GroupStore {
  /** Locked against other changes, and against new members, until the transaction ends. */
  byName(name: string): Promise<Group | undefined>;
  /** Locked against its removal only. */
  kept(name: string): Promise<Group | undefined>;
  /** Those that are there, in the order asked for. */
  byNames(names: readonly string[]): Promise<readonly Group[]>;
  /** Throws `conflict` GROUP_NAME_TAKEN. */
  add(group: NewGroup): Promise<Group>;
  /** Writes all of it and counts its version. */
  save(group: Group): Promise<Group>;
  /** Removes it, alone with `groups`; from then on its name is one that was used before. */
  remove(name: string): Promise<void>;
  /** Whether a group that is gone had this name. */
  wasThere(name: string): Promise<boolean>;
  hasMembers(name: string): Promise<boolean>;
  /** All members leave the group; gives them back as they are then, with new permissions versions. */
  dismissMembers(name: string): Promise<readonly User[]>;
}
