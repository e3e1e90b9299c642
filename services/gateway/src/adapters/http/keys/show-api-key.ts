import { type ApiKey, Permission } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { ApiKeyDocument, NewApiKey } from './api-key-schemas.ts';

const words: Record<Permission, ApiKeyDocument['permission']> = {
  [Permission.UNSPECIFIED]: 'operator',
  [Permission.VIEWER]: 'viewer',
  [Permission.OPERATOR]: 'operator',
  [Permission.ADMIN]: 'admin',
  [Permission.CUSTOM]: 'custom',
  [Permission.OWNER]: 'owner',
};

/** A key without its secret. */
export function showApiKey(key: ApiKey | undefined): ApiKeyDocument {
  if (key === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its key.');
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    prefix: key.prefix,
    permission: words[key.permission],
    permissions: key.permissions,
    is_admin: key.permission === Permission.ADMIN,
    user_id: key.userId || null,
    group: key.group || null,
    allowed_networks: key.allowedNetworks,
    created_at: showTime(key.createdAt) ?? new Date(0).toISOString(),
    expires_at: showTime(key.expiresAt),
    last_used_at: showTime(key.lastUsedAt),
    previous_expires_at: showTime(key.previousExpiresAt),
  };
}

/** A key with its secret, unless this is a replay: the secret is shown once. */
export const showNewApiKey = ({ apiKey, secret }: { apiKey?: ApiKey | undefined; secret: string }): NewApiKey => ({
  ...showApiKey(apiKey),
  ...(secret === '' ? {} : { api_key: secret }),
});

const showTime = (time: Timestamp | undefined): string | null => (time ? timestampDate(time).toISOString() : null);
