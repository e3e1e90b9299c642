import { randomUUID } from 'node:crypto';
import type { Permitted } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { ApiKey, type KeyTerms } from '../../domain/keys/api-key.ts';
import { hashOfKey, newKeyText, newPrefix } from '../../domain/keys/api-key-text.ts';
import { tooManyKeys } from '../../domain/keys/key-errors.ts';
import { assertWithin } from '../../domain/keys/key-scope.ts';
import { checkTerms, invalidApiKey, withKeptNetworks } from '../../domain/keys/key-terms.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { aloneWithKeys, assertGroup, type KeyOutcome, noteKey } from './note-key.ts';

/** Who makes the key, and whose it becomes. */
export interface KeyMaker {
  readonly rights: Permitted;
  /** Undefined: a global key. */
  readonly ownerId: string | undefined;
  readonly mostKeys: number;
}

/** Makes a key, which can do no more than whoever makes it. Its secret is in this answer and nowhere else. */
export async function createApiKey(
  transaction: AuthTransaction,
  { rights, ownerId, mostKeys }: KeyMaker,
  terms: KeyTerms,
): Promise<KeyOutcome> {
  const { apiKeys, now } = transaction;
  checkTerms(terms, now);
  if (ownerId === undefined && terms.permission === 'owner') {
    throw invalidApiKey([{ field: 'permission', message: 'owner is for keys of users' }]);
  }
  assertWithin(rights, terms, ownerId === undefined);
  await aloneWithKeys(transaction);
  await assertGroup(transaction, terms.group);
  if (ownerId !== undefined) await assertThere(transaction, ownerId);
  if (ownerId !== undefined && (await apiKeys.countOf(ownerId)) >= mostKeys) throw tooManyKeys(mostKeys);
  const prefix = newPrefix();
  const secret = newKeyText(prefix);
  const key = new ApiKey({
    ...withKeptNetworks(terms),
    id: randomUUID(),
    prefix,
    origin: 'created',
    ownerId: ownerId ?? null,
    secretHash: hashOfKey(secret),
    createdAt: now,
  });
  await apiKeys.add(key);
  return { key: noteKey(transaction, 'created', { after: key }), secret };
}

/** A token may outlive its user by a moment. */
async function assertThere({ users }: AuthTransaction, id: string): Promise<void> {
  if ((await users.byId(id)) === undefined)
    throw new DomainError('not_found', 'USER_NOT_FOUND', 'There is no such user.');
}
