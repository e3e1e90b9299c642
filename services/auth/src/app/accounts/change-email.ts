import { isKind } from '@berth/errors';
import { currentPasswordWrong, mailTokenInvalid } from '../../domain/accounts/account-errors.ts';
import { userNotFound } from '../../domain/errors.ts';
import { hashOfMailToken } from '../../domain/mails/mail-token.ts';
import { type Asker, asUser } from '../asker.ts';
import type { AccountDeps, Prepared } from './account-deps.ts';
import { isPresentPassword } from './present-password.ts';
import { refuseNoAddress } from './register-account.ts';

/** Takes the wish for another address; it counts once it is confirmed. Whether others have it is not told. */
export async function changeEmail(
  deps: AccountDeps,
  asker: Asker,
  { userId, email, password }: { userId: string; email: string; password: string },
): Promise<Prepared> {
  refuseNoAddress(email);
  const user = await deps.accounts.byId(userId);
  const isRight = await isPresentPassword(deps, asker, { user, userId, password });
  return async (transaction) => {
    if (user === undefined) throw userNotFound();
    if (!isRight) throw currentPasswordWrong('password');
    const present = await transaction.users.byId(userId);
    if (present === undefined) throw userNotFound();
    if (present.passwordHash !== user.passwordHash) throw currentPasswordWrong('password');
    await transaction.accounts.mailRequests.add({ kind: 'new-email', email, userId });
    transaction.audit({
      action: 'user.email_change_requested',
      resource: { id: userId, name: user.name },
      before: { email: user.email },
      after: { email },
    });
  };
}

/** Makes the address that the token was mailed to the user's. The address before hears of it; all other tokens in mails end. */
export function confirmEmail({ token }: { token: string }): Prepared {
  const hash = hashOfMailToken(token);
  return async (transaction) => {
    const { accounts, users, now } = transaction;
    const userId = await accounts.mailTokens.userOf('new-email', hash);
    if (userId === undefined) throw mailTokenInvalid();
    await transaction.alone('names');
    const user = await users.byId(userId);
    const taken = await accounts.mailTokens.take('new-email', hash);
    if (taken === undefined || user === undefined) throw mailTokenInvalid();
    const saved = await users.save({ ...user, email: taken.email, emailVerifiedAt: now }).catch((error) => {
      // Somebody else proved it to be theirs meanwhile.
      throw isKind(error, 'conflict') && error.code === 'USER_EMAIL_TAKEN' ? mailTokenInvalid() : error;
    });
    await accounts.mailTokens.removeAllOf(user.id);
    const subject = { type: 'user', id: user.id } as const;
    const isOther = user.email !== taken.email;
    if (user.email !== null && isOther) {
      const values = { name: user.name, new_email: taken.email };
      transaction.mail({ template: 'email-changed', to: user.email, userId: user.id, values });
    }
    transaction.audit({
      action: isOther ? 'user.email_changed' : 'user.verified',
      resource: { id: user.id, name: user.name },
      before: { email: user.email },
      after: { email: saved.email },
      actor: asUser(user),
    });
    transaction.publish({ what: isOther ? 'user.email_changed' : 'user.verified', subject, userId: user.id });
  };
}
