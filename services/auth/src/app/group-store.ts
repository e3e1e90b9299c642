import type { Group } from '../domain/group.ts';

/** Groups, within a transaction. */
export interface GroupStore {
  byName(name: string): Promise<Group | undefined>;
  /** Those that are there, in the order asked for. */
  byNames(names: readonly string[]): Promise<readonly Group[]>;
}
