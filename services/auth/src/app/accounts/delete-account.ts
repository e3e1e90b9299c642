import { removedUserFact } from '../../domain/access-facts.ts';
import { currentPasswordWrong, lastAdmin, userNotFound } from '../../domain/accounts/account-errors.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import type { Asker } from '../asker.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { tellKeysOf } from '../keys/note-key.ts';
import type { AccountDeps, Prepared } from './account-deps.ts';
import { isPresentPassword } from './present-password.ts';

/** Ends the account of a user who knows its password: sessions and API keys end with it. The last admin's stays (`conflict` LAST_ADMIN). */
export async function deleteAccount(
  deps: AccountDeps,
  asker: Asker,
  { userId, password }: { userId: string; password: string },
): Promise<Prepared> {
  const user = await deps.accounts.byId(userId);
  const isRight = await isPresentPassword(deps, asker, { user, userId, password });
  return async (transaction) => {
    if (user === undefined) throw userNotFound();
    if (!isRight) throw currentPasswordWrong('password');
    await transaction.alone('users');
    const present = await transaction.users.byId(userId);
    if (present === undefined) throw userNotFound();
    if (present.passwordHash !== user.passwordHash) throw currentPasswordWrong('password');
    await refuseLastAdmin(transaction, present);
    await removeUser(transaction, present);
  };
}

async function refuseLastAdmin({ users, now }: AuthTransaction, user: User): Promise<void> {
  if (!user.groups.includes('admin') || isBanned(user, now)) return;
  if ((await users.otherAdmins(user.id)) === 0) throw lastAdmin();
}

/** Takes the user away, with everything that opens anything for them, and tells everybody. */
async function removeUser(transaction: AuthTransaction, user: User): Promise<void> {
  await transaction.users.remove(user.id);
  transaction.tell(removedUserFact(user));
  tellKeysOf(transaction, user.id);
  if (user.email !== null) {
    transaction.mail({ template: 'account-deleted', to: user.email, userId: user.id, values: { name: user.name } });
  }
  const subject = { type: 'user', id: user.id } as const;
  const before = { name: user.name, email: user.email, groups: user.groups };
  transaction.audit({ action: 'user.deleted', resource: { ...subject, name: user.name }, before });
  transaction.publish({ what: 'user.deleted', subject, userId: user.id });
}
