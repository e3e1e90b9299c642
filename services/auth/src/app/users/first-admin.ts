import { randomInt } from 'node:crypto';
import { DomainError } from '@berth/errors';
import { weaknessOf } from '../../domain/keys/given-key.ts';
import type { PasswordHasher } from '../accounts/password-hasher.ts';
import { berthItself } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransactions } from '../auth-transaction.ts';
import type { SecretFile } from '../secret-file.ts';

/** Without characters that are mistaken for others. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
const passwordLength = 24; // 140 bits

const newPassword = (): string =>
  Array.from({ length: passwordLength }, () => alphabet[randomInt(alphabet.length)]).join('');

/**
 * Makes the first admin user where there is none, with a password that is put into `file`. Repeatable, by any number of replicas at
 * once: they take turns, and the first one's password is everybody's. Throws `invalid` when the name belongs to somebody who is no admin,
 * or the file holds something too weak.
 */
export async function haveFirstAdmin(
  deps: { transactions: AuthTransactions; passwords: PasswordHasher },
  { name, file }: { readonly name: string; readonly file: SecretFile },
): Promise<'was there' | 'made'> {
  const isThere = await deps.transactions.run(berthItself, async ({ users }) => (await users.otherAdmins('')) > 0);
  if (isThere) return 'was there';
  const password = await file.takeOrMake(newPassword());
  const weakness = weaknessOf(password);
  if (weakness !== undefined) throw refuse(`the password in the file that BERTH_ADMIN_PASSWORD_FILE names ${weakness}`);
  const passwordHash = await deps.passwords.hash(password); // takes long: not while a transaction waits
  return deps.transactions.run(berthItself, async ({ users, alone, audit, publish }) => {
    await alone('users');
    if ((await users.otherAdmins('')) > 0) return 'was there';
    if ((await users.byName(name)) !== undefined)
      throw refuse(`BERTH_ADMIN_USER names ${name}, who is there and no admin`);
    const user = await users.add({ name, email: null, emailVerifiedAt: null, passwordHash, groups: ['admin'] });
    audit({ action: 'user.created', resource: { id: user.id, name }, after: auditedUser(user) });
    publish({ what: 'user.created', subject: { type: 'user', id: user.id }, userId: user.id, reason: 'first start' });
    return 'made';
  });
}

const refuse = (reason: string): DomainError => new DomainError('invalid', 'NO_ADMIN_USER', reason);
