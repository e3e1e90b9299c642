import { type ApiKey, type CreateApiKeyRequest, Permission, type UpdateApiKeyRequest } from '@berth/contracts';
import type { KeyTerms } from '../../../domain/keys/api-key.ts';
import { invalidApiKey } from '../../../domain/keys/key-terms.ts';
import { dateOf, levelOf } from '../messages.ts';

/** The terms of a new key. A level that is not given: what is listed, all of the owner's, or operator. */
export function newTerms(request: CreateApiKeyRequest): KeyTerms {
  const { name, description, permissions, group, allowedNetworks, expiresAt } = request;
  return {
    ...{ name, description, permissions, allowedNetworks, group: group || null },
    permission: levelOf(request.permission || unnamedLevel(request)),
    expiresAt: dateOf(expiresAt),
  };
}

function unnamedLevel({ permissions, own }: CreateApiKeyRequest): Permission {
  if (permissions.length > 0) return Permission.CUSTOM;
  return own ? Permission.OWNER : Permission.OPERATOR;
}

/** The terms that the mask names: an absent expiry in it means "never". A name that the mask must not hold is refused. */
export function maskedTerms({ apiKey, updateMask }: UpdateApiKeyRequest): Partial<KeyTerms> {
  const terms = (updateMask?.paths ?? []).map((path) => {
    const read = readers[path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    if (read === undefined) throw invalidApiKey([{ field: path, message: 'cannot be changed' }]);
    return read(apiKey);
  });
  return Object.assign({}, ...terms);
}

const readers: Readonly<Record<string, (key: ApiKey | undefined) => Partial<KeyTerms>>> = {
  name: (key) => ({ name: key?.name ?? '' }),
  description: (key) => ({ description: key?.description ?? '' }),
  permission: (key) => ({ permission: levelOf(key?.permission ?? 0), permissions: key?.permissions ?? [] }),
  expires_at: (key) => ({ expiresAt: dateOf(key?.expiresAt) }),
  group: (key) => ({ group: key?.group || null }),
  allowed_networks: (key) => ({ allowedNetworks: key?.allowedNetworks ?? [] }),
};
