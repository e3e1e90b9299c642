import type { Permitted } from '@berth/contracts';
import { apiKeyInvalid } from '../../domain/errors.ts';
import { type ApiKey, permissionsOfKey } from '../../domain/keys/api-key.ts';
import { canBeKey, hashOfKey } from '../../domain/keys/api-key-text.ts';
import { rightsOfOwned } from '../../domain/keys/key-scope.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { LastUses } from './last-uses.ts';

/** Who holds a key, and until when that is true (undefined: until it is changed). */
export interface KeyHolder {
  readonly id: string;
  readonly name: string;
  /** Empty: a global key. */
  readonly userId: string;
  readonly rights: Required<Permitted>;
  readonly allowedNetworks: readonly string[];
  readonly until: Date | undefined;
}

/**
 * Tells who holds this key, and what that gives at this moment: a user's key no more than its owner may now. One `unauthenticated` for every
 * text that opens nothing, and for keys of users who are banned; a mistyped key costs no query.
 */
export async function verifyApiKey(deps: { keys: ApiKeyStore; lastUses: LastUses }, text: string): Promise<KeyHolder> {
  if (!canBeKey(text)) throw apiKeyInvalid();
  const hash = hashOfKey(text);
  const found = await deps.keys.byHash(hash);
  const secret = found?.key.opensWith(hash, found.now);
  if (found === undefined || secret === undefined) throw apiKeyInvalid();
  const { key, owner, now } = found;
  const rights = rightsOf(key, owner);
  deps.lastUses.note(key.id, now);
  return {
    id: key.id,
    name: key.name === '' ? key.prefix : key.name,
    userId: key.ownerId ?? '',
    rights,
    allowedNetworks: key.allowedNetworks,
    until: key.opensUntil(secret),
  };
}

function rightsOf(key: ApiKey, owner: Permitted | undefined): Required<Permitted> {
  if (key.ownerId === null) return { permissions: permissionsOfKey(key), group: key.group ?? '', grants: [] };
  if (owner === undefined) throw apiKeyInvalid();
  return rightsOfOwned(owner, key);
}
