import { type Branch, cloneBranch } from '../domain/config-tree.ts';
import { migrateTo14 } from './migrate-to-1-4.ts';
import { migrateTo15 } from './migrate-to-1-5.ts';
import { type ProfileName, profileNames } from './profile.ts';

/** Turns a configuration of the version before into the shapes of this one, in place. */
type Migration = (config: Branch) => void;

const unchanged: Migration = () => undefined;
const migrations: Record<ProfileName, Migration> = {
  '1.3': unchanged,
  '1.4': migrateTo14,
  '1.5-2024': migrateTo15,
  '1.5-2025': unchanged,
  '1.5-2026': unchanged,
};

/** An upgrade that would go from a newer version to an older one. */
export class NoWayBack extends Error {
  override readonly name = 'NoWayBack';
}

/** Throws NoWayBack unless `to` is `from` or newer. */
export function refuseDowngrade(from: ProfileName, to: ProfileName): void {
  if (profileNames.indexOf(to) < profileNames.indexOf(from))
    throw new NoWayBack(`a configuration of ${from} cannot become one of ${to}: migration goes from older to newer`);
}

/** A copy of the configuration, in the shapes of the newer version (what VyOS' migration scripts do at boot). Throws NoWayBack. */
export function migrated(config: Branch, from: ProfileName, to: ProfileName): Branch {
  refuseDowngrade(from, to);
  const copy = cloneBranch(config);
  const steps = profileNames.slice(profileNames.indexOf(from) + 1, profileNames.indexOf(to) + 1);
  for (const name of steps) migrations[name](copy);
  return copy;
}
