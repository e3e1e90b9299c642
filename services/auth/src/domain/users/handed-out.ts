import { type GroupPolicy, narrowed, type Permitted } from '@berth/contracts';
import { permissionsTooWide } from './administration-errors.ts';

/**
 * Refuses who does not hold all that these groups give: a right is given, changed or taken by those who hold it. What a group gives within
 * itself is held by who holds it for all groups, or within that group; `vms:*` is held by who holds it as a whole.
 */
export function assertHolds(asker: Permitted | undefined, groups: readonly GroupPolicy[]): void {
  const missing = new Set(groups.flatMap((group) => notHeld(asker ?? nobody, group)));
  if (missing.size > 0) throw permissionsTooWide([...missing]);
}

const nobody: Permitted = { permissions: [] };

function notHeld(asker: Permitted, { name, permissions, everywhere }: GroupPolicy): string[] {
  const left = narrowed(asker, { permissions, group: everywhere ? '' : name });
  const held = new Set([left, ...left.grants].flatMap((grant) => grant.permissions));
  return permissions.filter((permission) => !held.has(permission));
}
