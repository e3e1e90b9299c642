import { DomainError } from '@berth/errors';
import { knownUntil } from '../../domain/sessions/session.ts';
import { replacedKeys, type SigningKey, signingAt } from '../../domain/sessions/signing-key.ts';
import { forEver } from '../../domain/users/user.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

export interface KeyRotation {
  /** How old a key gets before another one takes its place. */
  readonly everySeconds: number;
  /** How long a new key is known to everybody before it signs. */
  readonly leadSeconds: number;
}

const later = (date: Date, seconds: number): Date => new Date(date.getTime() + seconds * 1_000);

/** Makes the first key, replaces one that is old enough, and lets those go whose last token has ended. Repeatable, by any replica. */
export async function keepSigningKeys(transaction: AuthTransaction, rotation: KeyRotation): Promise<void> {
  await transaction.alone('signing-keys');
  const { now, signingKeys } = transaction;
  const keys = await signingKeys.all();
  const [newest] = keys;
  if (newest === undefined) await makeKey(transaction, now);
  else if (later(newest.signsFrom, rotation.everySeconds) <= now) {
    await makeKey(transaction, later(now, rotation.leadSeconds));
  }
  const replaced = replacedKeys(keys, now);
  if (replaced.length === 0) return;
  const until = (await transaction.sessions.lastAccessTokenEnd()) ?? now;
  if (until >= forEver) return; // somebody has a token for ever, which one of these may have signed
  for (const key of replaced) {
    await signingKeys.retire(key.id, until);
    tellKey(transaction, { ...key, verifiesUntil: until });
  }
}

/** A new key that soon signs. When one waits already for that, it is the answer. */
export async function rotateSigningKeys(transaction: AuthTransaction, rotation: KeyRotation): Promise<SigningKey> {
  await transaction.alone('signing-keys');
  const [newest] = await transaction.signingKeys.all();
  if (newest !== undefined && newest.signsFrom > transaction.now) return newest;
  const key = await makeKey(transaction, later(transaction.now, rotation.leadSeconds));
  transaction.audit({ action: 'signing_key.created', resource: { id: key.id } });
  return key;
}

/**
 * Ends a key that others may know: none of its tokens is accepted any more, and refresh tokens give new ones. When nothing else signs now, a
 * new key does at once. Throws `not_found` SIGNING_KEY_NOT_FOUND.
 */
export async function removeSigningKey(transaction: AuthTransaction, id: string): Promise<void> {
  await transaction.alone('signing-keys');
  const keys = await transaction.signingKeys.all();
  const key = keys.find((one) => one.id === id);
  if (key === undefined) {
    throw new DomainError('not_found', 'SIGNING_KEY_NOT_FOUND', 'There is no such signing key.');
  }
  await transaction.signingKeys.remove(id);
  transaction.tell({ kind: 'signing-key', id, publicJwk: JSON.stringify(key.publicJwk), removed: true });
  const left = keys.filter((one) => one !== key && one.verifiesUntil === undefined);
  const stillSigns = signingAt(left, transaction.now);
  // An older key may be as well known as this one.
  const replaces = stillSigns === undefined || stillSigns.signsFrom < key.signsFrom;
  if (replaces) await makeKey(transaction, transaction.now);
  transaction.audit({ action: 'signing_key.deleted', resource: { id } });
  transaction.publish({ what: 'signing_key.deleted', subject: { type: 'signing_key', id } });
}

async function makeKey(transaction: AuthTransaction, signsFrom: Date): Promise<SigningKey> {
  const key = await transaction.signingKeys.make(signsFrom);
  tellKey(transaction, key);
  return key;
}

const tellKey = ({ tell }: AuthTransaction, { id, publicJwk, verifiesUntil }: SigningKey): void =>
  tell(
    { kind: 'signing-key', id, publicJwk: JSON.stringify(publicJwk), removed: false },
    verifiesUntil && knownUntil(verifiesUntil),
  );
