import type { Permitted } from '@berth/contracts';
import { type ApiKey, permissionsOfKey } from '../../domain/keys/api-key.ts';
import { canBeKey, hashOfKey } from '../../domain/keys/api-key-text.ts';
import { apiKeyInvalid } from '../../domain/keys/key-errors.ts';
import { rightsOfOwned } from '../../domain/keys/key-scope.ts';
import type { ApiKeyStore, KeyOwner } from './api-key-store.ts';
import type { LastUses } from './last-uses.ts';

/** Who holds a key, and until when that is true (undefined: until it is changed). */
export interface KeyHolder {
  readonly id: string;
  readonly name: string;
  /** Empty: a global key. */
  readonly userId: string;
  readonly rights: Required<Permitted>;
  /** By which limits go: all groups of its owner, or the group of a global key that has one. */
  readonly groups: readonly string[];
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
  const standing = key.ownerId === null ? standingOfGlobal(key) : standingOfOwned(key, owner);
  deps.lastUses.note(key.id, now);
  return {
    id: key.id,
    name: key.name === '' ? key.prefix : key.name,
    userId: key.ownerId ?? '',
    ...standing,
    allowedNetworks: key.allowedNetworks,
    until: key.opensUntil(secret),
  };
}

type Standing = Pick<KeyHolder, 'rights' | 'groups'>;

function standingOfGlobal(key: ApiKey): Standing {
  const rights = { permissions: permissionsOfKey(key), group: key.group ?? '', grants: [] };
  return { rights, groups: key.group === null ? [] : [key.group] };
}

function standingOfOwned(key: ApiKey, owner: KeyOwner | undefined): Standing {
  if (owner === undefined) throw apiKeyInvalid();
  return { rights: rightsOfOwned(owner.rights, key), groups: owner.groups };
}
