import { randomUUID } from 'node:crypto';
import { DomainError } from '@berth/errors';
import { ApiKey, type KeyOrigin } from '../../domain/keys/api-key.ts';
import { hashOfKey, newKeyText, newPrefix, prefixOf } from '../../domain/keys/api-key-text.ts';
import { weaknessOf } from '../../domain/keys/given-key.ts';
import { berthItself } from '../asker.ts';
import type { AuthTransaction, AuthTransactions } from '../auth-transaction.ts';
import type { SecretFile } from '../secret-file.ts';
import { aloneWithKeys, noteKey } from './note-key.ts';

/** What the start did with keys, for the log: no key in it. */
export interface BootstrapReport {
  /** How many keys of the settings are new or listed again. */
  readonly listed: number;
  /** How many keys ended because the settings name them no longer. */
  readonly unlisted: number;
  /** Prefixes of keys that the settings still name although they were deleted: they stay deleted. */
  readonly deletedButListed: readonly string[];
  readonly adminKey: 'was there' | 'stored from its file';
}

/**
 * Brings the keys to what the settings say: those of VYOS_API_KEYS exist as admin keys, those that it no longer names have ended, and
 * where no admin key was made yet, one is put into the admin key file and stored. Repeatable, by any number of replicas at once: they
 * take turns and the first one's key is everybody's. Throws `invalid` when nobody could administer the result.
 */
export async function bootstrapKeys(
  deps: { transactions: AuthTransactions; adminKeyFile: SecretFile | undefined },
  givenKeys: readonly string[],
): Promise<BootstrapReport> {
  return deps.transactions.run(berthItself, async (transaction) => {
    await aloneWithKeys(transaction);
    const fromSettings = await followSettings(transaction, givenKeys);
    const adminKey = await haveAnAdmin(transaction, deps.adminKeyFile, fromSettings.usable);
    const { listed, unlisted, deletedButListed } = fromSettings;
    return { listed, unlisted, deletedButListed, adminKey };
  });
}

async function followSettings(transaction: AuthTransaction, givenKeys: readonly string[]) {
  const { apiKeys, now } = transaction;
  let listed = 0;
  let unlisted = 0;
  const deletedButListed: string[] = [];
  const named = new Set<string>();
  for (const text of new Set(givenKeys)) {
    const hash = hashOfKey(text);
    const known = await apiKeys.byHash(hash);
    const key = known ?? keyOf(text, 'settings', `env-${newPrefix()}`, now);
    named.add(key.id);
    if (known === undefined) await addKey(transaction, key);
    if (known === undefined || key.ended === 'unlisted') listed++;
    if (key.ended === 'deleted') deletedButListed.push(key.prefix);
    if (key.ended === 'unlisted') {
      key.listAgain();
      await apiKeys.save(key);
      noteKey(transaction, 'changed', { after: key });
    }
  }
  for (const key of await apiKeys.fromSettings()) {
    if (named.has(key.id) || key.endedAt !== null) continue;
    key.end('unlisted', now);
    await apiKeys.save(key);
    noteKey(transaction, 'deleted', { after: key });
    unlisted++;
  }
  return { listed, unlisted, deletedButListed, usable: named.size > deletedButListed.length };
}

async function haveAnAdmin(
  transaction: AuthTransaction,
  file: SecretFile | undefined,
  settingsGiveOne: boolean,
): Promise<BootstrapReport['adminKey']> {
  const { apiKeys, now } = transaction;
  // Keys of the settings come and go with them: whoever asks for an admin key file gets a key that stays.
  const lasting = (await apiKeys.admins()).filter((key) => key.origin !== 'settings' && key.isUsableAdmin(now));
  if (lasting.length > 0) return 'was there';
  if (file === undefined) {
    if (settingsGiveOne) return 'was there';
    throw refuse('there is no admin key: set BERTH_ADMIN_KEY_FILE to have one made, or VYOS_API_KEYS');
  }
  const prefix = newPrefix();
  const text = await file.takeOrMake(newKeyText(prefix));
  const weakness = weaknessOf(text);
  if (weakness !== undefined) throw refuse(`the key in the file that BERTH_ADMIN_KEY_FILE names ${weakness}`);
  const known = await apiKeys.byHash(hashOfKey(text));
  if (known === undefined) {
    await addKey(transaction, keyOf(text, 'admin-file', prefixOf(text) ?? `file-${prefix}`, now));
    return 'stored from its file';
  }
  if (known.isUsableAdmin(now) || settingsGiveOne) return 'was there';
  throw refuse('the key in the file that BERTH_ADMIN_KEY_FILE names has ended: remove the file to have a new one made');
}

async function addKey(transaction: AuthTransaction, key: ApiKey): Promise<void> {
  await transaction.apiKeys.add(key);
  noteKey(transaction, 'created', { after: key });
}

const keyOf = (text: string, origin: KeyOrigin, prefix: string, now: Date): ApiKey =>
  new ApiKey({
    id: randomUUID(),
    prefix,
    name: origin === 'settings' ? 'from VYOS_API_KEYS' : 'admin',
    description: '',
    permission: 'admin',
    permissions: [],
    group: null,
    allowedNetworks: [],
    ownerId: null,
    expiresAt: undefined,
    origin,
    secretHash: hashOfKey(text),
    createdAt: now,
  });

const refuse = (reason: string): DomainError => new DomainError('invalid', 'NO_ADMIN_KEY', reason);
