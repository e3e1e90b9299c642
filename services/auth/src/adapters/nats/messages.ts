import { type ApiKeySchema, Permission } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ApiKeyView, KeyPermission } from '../../domain/keys/api-key.ts';
import { invalidApiKey } from '../../domain/keys/key-terms.ts';

const levels = new Map<Permission, KeyPermission>([
  [Permission.UNSPECIFIED, 'operator'],
  [Permission.VIEWER, 'viewer'],
  [Permission.OPERATOR, 'operator'],
  [Permission.ADMIN, 'admin'],
  [Permission.CUSTOM, 'custom'],
  [Permission.OWNER, 'owner'],
]);

const permissions: Record<KeyPermission, Permission> = {
  viewer: Permission.VIEWER,
  operator: Permission.OPERATOR,
  admin: Permission.ADMIN,
  custom: Permission.CUSTOM,
  owner: Permission.OWNER,
};

/** The level that a message names; none is operator. A number that this version does not know is refused, not guessed. */
export function levelOf(permission: Permission): KeyPermission {
  const level = levels.get(permission);
  if (level === undefined) {
    throw invalidApiKey([{ field: 'permission', message: 'must be admin, operator, viewer, custom or owner' }]);
  }
  return level;
}

export const dateOf = (timestamp: Timestamp | undefined): Date | undefined =>
  timestamp === undefined ? undefined : timestampDate(timestamp);

const fromDate = (date: Date | null): Timestamp | undefined => (date === null ? undefined : timestampFromDate(date));

/** A key as a message. */
export function toMessage(key: ApiKeyView): MessageInitShape<typeof ApiKeySchema> {
  const times = {
    expiresAt: fromDate(key.expiresAt),
    previousExpiresAt: fromDate(key.previousExpiresAt),
    lastUsedAt: fromDate(key.lastUsedAt),
  };
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    prefix: key.prefix,
    permission: permissions[key.permission],
    permissions: [...key.permissions],
    userId: key.ownerId ?? '',
    group: key.group ?? '',
    allowedNetworks: [...key.allowedNetworks],
    createdAt: timestampFromDate(key.createdAt),
    ...Object.fromEntries(Object.entries(times).filter(([, time]) => time !== undefined)),
  };
}
