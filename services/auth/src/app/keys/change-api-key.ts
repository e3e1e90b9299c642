import { isDeepStrictEqual } from 'node:util';
import type { Permitted } from '@berth/contracts';
import { type ApiKey, type KeyTerms, viewOf } from '../../domain/keys/api-key.ts';
import { hashOfKey, newKeyText, newPrefix } from '../../domain/keys/api-key-text.ts';
import { apiKeyNotFound, keyFromSettings, keyOfUser, lastAdminKey } from '../../domain/keys/key-errors.ts';
import { assertWithin } from '../../domain/keys/key-scope.ts';
import { checkOverlap, checkTerms, invalidApiKey, withKeptNetworks } from '../../domain/keys/key-terms.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { aloneWithKeys, assertGroup, type KeyOutcome, noteKey } from './note-key.ts';

/** Who changes a key: an administrator, or a user, for whom there are only his own. */
export interface KeyChanger {
  readonly rights: Permitted;
  readonly ownerId: string | undefined;
}

/** Changes some of a key's terms. The last usable admin key can be neither demoted, limited nor given an end. */
export async function updateApiKey(
  transaction: AuthTransaction,
  changer: KeyChanger,
  id: string,
  terms: Partial<KeyTerms>,
): Promise<KeyOutcome> {
  const key = await existing(transaction, changer, id);
  assertMine(key, changer);
  checkTerms(terms, transaction.now);
  if (key.origin === 'settings' && limitsOf(terms)) throw keyFromSettings(id);
  if (key.ownerId === null && terms.permission === 'owner') {
    throw invalidApiKey([{ field: 'permission', message: 'owner is for keys of users' }]);
  }
  if (key.isWeakenedBy(terms)) await otherAdminRemains(transaction, key);
  const before = viewOf(key, transaction.now);
  key.change(withKeptNetworks(terms));
  if (givesAnew(key, terms)) assertWithin(changer.rights, key, key.ownerId === null);
  if (terms.permission !== undefined || terms.group !== undefined) {
    await assertGroup(transaction, terms.group);
  }
  if (isDeepStrictEqual(viewOf(key, transaction.now), before)) return { key: before, secret: '' };
  await transaction.apiKeys.save(key);
  return { key: noteKey(transaction, 'changed', { before, after: key }), secret: '' };
}

/** Ends a key at once. The last usable admin key stays. */
export async function deleteApiKey(transaction: AuthTransaction, changer: KeyChanger, id: string): Promise<KeyOutcome> {
  const key = await existing(transaction, changer, id);
  await otherAdminRemains(transaction, key);
  const before = viewOf(key, transaction.now);
  key.end('deleted', transaction.now);
  await transaction.apiKeys.save(key);
  return { key: noteKey(transaction, 'deleted', { before, after: key }), secret: '' };
}

/**
 * Gives a key a new secret; the old one works on for the overlap, the one before it ends at once. Whoever asks gets what the key can do, so
 * that must be within his own rights.
 */
export async function rotateApiKey(
  transaction: AuthTransaction,
  changer: KeyChanger,
  id: string,
  overlapSeconds: number,
): Promise<KeyOutcome> {
  checkOverlap(overlapSeconds);
  const key = await existing(transaction, changer, id);
  assertMine(key, changer);
  if (key.origin === 'settings') throw keyFromSettings(id);
  if (key.ownerId === null) assertWithin(changer.rights, key, true);
  const { now } = transaction;
  const before = viewOf(key, now);
  // The public prefix stays, so that both secrets are known as this key; one that was given from outside gets one of ours.
  if (!/^[0-9A-Za-z]{8}$/.test(key.prefix)) key.prefix = newPrefix();
  const secret = newKeyText(key.prefix);
  const overlapUntil = overlapSeconds > 0 ? new Date(now.getTime() + overlapSeconds * 1_000) : undefined;
  key.rotate(hashOfKey(secret), overlapUntil);
  await transaction.apiKeys.save(key);
  return { key: noteKey(transaction, 'rotated', { before, after: key }), secret };
}

async function existing(transaction: AuthTransaction, { ownerId }: KeyChanger, id: string): Promise<ApiKey> {
  await aloneWithKeys(transaction);
  const key = await transaction.apiKeys.byId(id);
  if (key === undefined || key.endedAt !== null) throw apiKeyNotFound(id);
  if (ownerId !== undefined && key.ownerId !== ownerId) throw apiKeyNotFound(id);
  return key;
}

function assertMine(key: ApiKey, { ownerId }: KeyChanger): void {
  if (key.ownerId !== null && key.ownerId !== ownerId) throw keyOfUser(key.id);
}

/** Whether these terms could let somebody do more with the key: of a global one also from elsewhere, or for longer. */
const givesAnew = (
  { ownerId }: ApiKey,
  { permission, group, allowedNetworks, expiresAt }: Partial<KeyTerms>,
): boolean =>
  permission !== undefined ||
  group !== undefined ||
  (ownerId === null && (allowedNetworks !== undefined || expiresAt !== undefined));

/** Whether these terms say more than how the key is called. */
const limitsOf = (terms: Partial<KeyTerms>): boolean =>
  Object.keys(terms).some((term) => term !== 'name' && term !== 'description');

async function otherAdminRemains({ apiKeys, now }: AuthTransaction, key: ApiKey): Promise<void> {
  if (!key.isUsableAdmin(now)) return;
  const others = (await apiKeys.admins()).filter((admin) => admin.id !== key.id && admin.isUsableAdmin(now));
  if (others.length === 0) throw lastAdminKey(key.id);
}
