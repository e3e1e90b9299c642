import { permissionsOfKey } from '../domain/api-key.ts';
import { canBeKey, hashOfKey } from '../domain/api-key-text.ts';
import { apiKeyInvalid } from '../domain/errors.ts';
import type { ApiKeyStore } from './api-key-store.ts';
import type { LastUses } from './last-uses.ts';

/** Who holds a key, and until when that is true (undefined: until it is changed). */
export interface KeyHolder {
  readonly id: string;
  readonly name: string;
  readonly permissions: readonly string[];
  readonly until: Date | undefined;
}

/** Tells who holds this key. One `unauthenticated` for every text that opens nothing; a mistyped key costs no query. */
export async function verifyApiKey(deps: { keys: ApiKeyStore; lastUses: LastUses }, text: string): Promise<KeyHolder> {
  if (!canBeKey(text)) throw apiKeyInvalid();
  const hash = hashOfKey(text);
  const found = await deps.keys.byHash(hash);
  const secret = found?.key.opensWith(hash, found.now);
  if (found === undefined || secret === undefined) throw apiKeyInvalid();
  const { key, now } = found;
  deps.lastUses.note(key.id, now);
  return {
    id: key.id,
    name: key.name === '' ? key.prefix : key.name,
    permissions: permissionsOfKey(key),
    until: key.opensUntil(secret),
  };
}
