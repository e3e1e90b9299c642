import { currentPasswordWrong } from '../../domain/accounts/account-errors.ts';
import { userNotFound } from '../../domain/errors.ts';
import type { Asker } from '../asker.ts';
import { assertAdminRemains, takeAway } from '../users/administered-user.ts';
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
    await assertAdminRemains(transaction, present);
    await takeAway(transaction, present);
  };
}
