import { userFact } from '../../domain/access-facts.ts';
import {
  accountChangedMeanwhile,
  currentPasswordWrong,
  mailTokenInvalid,
  passwordUsedBefore,
} from '../../domain/accounts/account-errors.ts';
import { sameAddress } from '../../domain/accounts/user-name.ts';
import { userNotFound } from '../../domain/errors.ts';
import { hashOfMailToken } from '../../domain/mails/mail-token.ts';
import { type User, withoutSessions } from '../../domain/users/user.ts';
import { type Asker, asUser } from '../asker.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import type { AccountDeps, Prepared } from './account-deps.ts';
import { isPresentPassword } from './present-password.ts';
import { refuseNoAddress } from './register-account.ts';

/** Sets a new password for a user who knows the present one. All sessions end. */
export async function changePassword(
  deps: AccountDeps,
  asker: Asker,
  { userId, current, next }: { userId: string; current: string; next: string },
): Promise<Prepared> {
  const user = await deps.accounts.byId(userId);
  const isRight = await isPresentPassword(deps, asker, { user, userId, password: current });
  if (user !== undefined && isRight) await deps.checkPassword(next, user, 'new_password');
  const hash = user !== undefined && isRight ? await newHash(deps, user, next) : undefined;
  return async (transaction) => {
    if (user === undefined) throw userNotFound();
    if (!isRight) throw currentPasswordWrong('current_password');
    if (hash === undefined) throw passwordUsedBefore('new_password');
    const present = await transaction.users.byId(userId);
    if (present === undefined) throw userNotFound();
    refuseOtherPassword(user, present);
    await replacePassword(transaction, { user: present, hash, asker, keep: deps.policy.passwords.history });
  };
}

/** Takes the wish for a mail with which a new password can be chosen. Nothing is looked up before the answer. */
export function forgotPassword({ email }: { email: string }): Prepared {
  refuseNoAddress(email);
  return async ({ accounts, audit }) => {
    await accounts.mailRequests.add({ kind: 'forgot', email });
    audit({ action: 'password_reset.requested', resource: { id: email } });
  };
}

/** Sets a new password for whoever has the token of a mail. All sessions end. */
export async function resetPassword(
  deps: AccountDeps,
  asker: Asker,
  { token, password }: { token: string; password: string },
): Promise<Prepared> {
  const tokenHash = hashOfMailToken(token);
  const user = await deps.accounts.byResetToken(tokenHash); // tokens cannot be guessed: no work is wasted on others
  if (user !== undefined) await deps.checkPassword(password, user);
  const hash = user === undefined ? undefined : await newHash(deps, user, password);
  return async (transaction) => {
    if (user === undefined) throw mailTokenInvalid();
    if (hash === undefined) throw passwordUsedBefore('password');
    const present = await transaction.users.byId(user.id);
    const taken = await transaction.accounts.mailTokens.take('reset-password', tokenHash);
    if (present === undefined || taken === undefined) throw mailTokenInvalid();
    refuseOtherPassword(user, present);
    // Whoever read the mail has the address.
    const proved = sameAddress(taken.email, present.email) ? (present.emailVerifiedAt ?? transaction.now) : null;
    const verified = { ...present, emailVerifiedAt: proved ?? present.emailVerifiedAt };
    const keep = deps.policy.passwords.history;
    await replacePassword(transaction, { user: verified, hash, asker, keep, byMail: true });
  };
}

/** The new password's hash; undefined when it was the password before. */
async function newHash(
  { accounts, hasher, policy }: AccountDeps,
  user: User,
  next: string,
): Promise<string | undefined> {
  const former = await accounts.formerPasswords(user.id, Math.max(policy.passwords.history - 1, 0));
  for (const hash of user.passwordHash === null ? former : [user.passwordHash, ...former]) {
    if (await hasher.verify(hash, next)) return undefined;
  }
  return hasher.hash(next);
}

/** What was found out before the transaction holds only while the password is the same. */
function refuseOtherPassword(before: User, present: User): void {
  if (present.passwordHash !== before.passwordHash) throw accountChangedMeanwhile();
}

/**
 * Makes `hash` the user's password: the one before is kept from being chosen again, all sessions end, and so do all tokens in mails, sent or
 * still to be, since who had the account before may have asked for them. The user hears of it by mail.
 */
async function replacePassword(
  transaction: AuthTransaction,
  {
    user,
    hash,
    asker,
    keep,
    byMail = false,
  }: { user: User; hash: string; asker: Asker; keep: number; byMail?: boolean },
): Promise<User> {
  const { users, accounts, now } = transaction;
  if (user.passwordHash !== null) await accounts.formerPasswords.add(user.id, user.passwordHash, Math.max(keep - 1, 0));
  await accounts.mailTokens.removeAllOf(user.id);
  await accounts.mailRequests.removeAllOf(user.id);
  const saved = await users.save(withoutSessions({ ...user, passwordHash: hash }));
  transaction.tell(userFact(saved, now));
  if (saved.email !== null) {
    const values = { name: saved.name, at: now.toISOString(), from: asker.clientAddress };
    transaction.mail({ template: 'password-changed', to: saved.email, userId: saved.id, values });
  }
  transaction.audit({
    ...{ action: 'user.password_changed', resource: { id: saved.id, name: saved.name } },
    ...{ details: { by_mail: byMail } },
    ...(byMail && { actor: asUser(saved) }),
  });
  transaction.publish({ what: 'user.password_changed', subject: { type: 'user', id: saved.id }, userId: saved.id });
  return saved;
}
