import { DomainError } from '@berth/errors';

/** What may be asked of whom: a resource and a verb on it. The list is closed, so a misspelt one does not compile. */
export type PermissionVerb =
  | 'vms:read'
  | 'vms:write'
  | 'pools:read'
  | 'pools:write'
  | 'operations:read'
  | 'routers:read'
  | 'routers:admin'
  | 'api-keys:admin';

const viewer = ['vms:read', 'pools:read', 'operations:read', 'routers:read'] as const;

/** What each permission level of an API key holds. `*` is everything, also what is added later. */
export const permissionsOf = {
  viewer,
  operator: [...viewer, 'vms:write'],
  admin: ['*'],
} as const satisfies Record<string, readonly (PermissionVerb | '*')[]>;

/** The levels that an API key can have. */
export type PermissionLevel = keyof typeof permissionsOf;

/** Who asks, as far as permissions go. */
export interface Permitted {
  readonly permissions: readonly string[];
}

/** Whether `principal` may do `verb`: by its exact name, by `<resource>:*`, or by `*`. Nothing is permitted by default. */
export function permits(principal: Permitted, verb: PermissionVerb): boolean {
  const wholeResource = `${verb.slice(0, verb.indexOf(':'))}:*`;
  return principal.permissions.some((held) => held === verb || held === '*' || held === wholeResource);
}

/** Refuses a command whose principal is missing (`unauthenticated`) or may not do `verb` (`forbidden`). */
export function requirePermission(principal: Permitted | undefined, verb: PermissionVerb): void {
  if (principal === undefined) {
    throw new DomainError('unauthenticated', 'PRINCIPAL_MISSING', 'The command does not say who asks.');
  }
  if (!permits(principal, verb)) {
    throw new DomainError('forbidden', 'PERMISSION_DENIED', `This needs the permission ${verb}.`, { verb });
  }
}
