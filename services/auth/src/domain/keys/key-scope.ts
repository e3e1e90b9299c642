import { isPermissionText, narrowed, type Permitted } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type KeyPermission, permissionsOfKey } from './api-key.ts';

/** With what a key may do what. */
export interface KeyScope {
  permission: KeyPermission;
  /** Of `custom`; otherwise none. */
  permissions: readonly string[];
  /** The only group with whose things it works; null: not limited. */
  group: string | null;
}

/** Refuses a key that could do more than whoever makes it: nobody hands out what he has not. Throws `forbidden` PERMISSIONS_TOO_WIDE. */
export function assertWithin(maker: Permitted, scope: KeyScope, isGlobal: boolean): void {
  const missing = permissionsOfKey(scope).filter((permission) => !canGive(maker, permission, scope, isGlobal));
  if (missing.length === 0) return;
  throw new DomainError(
    'forbidden',
    'PERMISSIONS_TOO_WIDE',
    `The API key would have permissions that you do not have yourself: ${missing.join(', ')}.`,
    { missing },
  );
}

/** What the holder of a user's key may do now: of the owner's present rights what the key gives. */
export const rightsOfOwned = (owner: Permitted, key: KeyScope): Required<Permitted> =>
  narrowed(owner, { permissions: permissionsOfKey(key), ...(key.group !== null && { group: key.group }) });

/** Whether these are permissions that can be given. */
export const wrongPermissions = (permissions: readonly string[]): readonly string[] =>
  permissions.filter((permission) => !isPermissionText(permission));

/** A global key without a group works with everybody's things, so its maker must; a user's own key reaches no further than its owner. */
function canGive(maker: Permitted, permission: string, { permission: level, group }: KeyScope, isGlobal: boolean) {
  const grants = [{ group: maker.group ?? '', permissions: maker.permissions }, ...(maker.grants ?? [])];
  const reaching = grants.filter((grant) =>
    group === null ? !isGlobal || grant.group === '' : grant.group === '' || grant.group === group,
  );
  if (level === 'owner') return reaching.some(({ permissions }) => permissions.length > 0);
  return reaching.some(({ permissions }) => permissions.some((held) => covers(held, permission)));
}

const covers = (held: string, wanted: string): boolean =>
  held === '*' || held === wanted || (held.endsWith(':*') && wanted.startsWith(held.slice(0, -1)));
