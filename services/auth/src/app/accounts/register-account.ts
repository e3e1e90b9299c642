import { randomUUID } from 'node:crypto';
import { type FieldError, isKind } from '@berth/errors';
import { userFact } from '../../domain/access-facts.ts';
import { accountInputInvalid, mailTokenInvalid, registrationClosed } from '../../domain/accounts/account-errors.ts';
import { faultsOfEmail, faultsOfName } from '../../domain/accounts/user-name.ts';
import { hashOfMailToken, mailTokenMs } from '../../domain/mails/mail-token.ts';
import { asUser } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import type { AccountDeps, Prepared } from './account-deps.ts';

/**
 * Takes a registration. It is kept whether or not its name or address are taken: nothing is looked up, so neither the answer nor its time
 * can tell. What is mailed is decided afterwards.
 */
export async function registerAccount(
  { hasher, checkPassword, policy }: AccountDeps,
  { name, email, password }: { name: string; email: string; password: string },
): Promise<Prepared> {
  if (policy.registration !== 'open') throw registrationClosed();
  refuseFaults([...faultsOfName(name), ...faultsOfEmail(email)]);
  await checkPassword(password, { name, email });
  const passwordHash = await hasher.hash(password);
  const id = randomUUID();
  return async ({ now, accounts, audit }) => {
    await accounts.registrations.add({ id, name, email, passwordHash }, new Date(now.getTime() + mailTokenMs.verify));
    await accounts.mailRequests.add({ kind: 'register', email, registrationId: id });
    audit({
      action: 'registration.requested',
      resource: { id: email, name },
      after: { name, email },
    });
  };
}

/** Takes the wish for another mail about a registration. */
export function resendVerification({ email }: { email: string }): Prepared {
  refuseNoAddress(email);
  return async ({ accounts, audit }) => {
    await accounts.mailRequests.add({ kind: 'resend', email });
    audit({ action: 'registration.mail_requested', resource: { id: email } });
  };
}

/** Refuses what cannot be an address (`invalid`). */
export function refuseNoAddress(email: string): void {
  refuseFaults(faultsOfEmail(email));
}

function refuseFaults(faults: readonly FieldError[]): void {
  if (faults.length > 0) throw accountInputInvalid(faults);
}

/**
 * Makes the user whom a mailed token is about, and ends all other registrations of the address. A name that was taken meanwhile is
 * `conflict` USER_NAME_TAKEN; the token stays good, and `name` may bring another one.
 */
export function verifyEmail(
  { policy }: Pick<AccountDeps, 'policy'>,
  { token, name }: { token: string; name: string },
): Prepared {
  if (policy.registration === 'off') throw registrationClosed();
  refuseFaults(name === '' ? [] : faultsOfName(name));
  const hash = hashOfMailToken(token);
  return async (transaction) => {
    const { accounts, users, now } = transaction;
    const found = await accounts.registrations.byToken(hash);
    if (found === undefined) throw mailTokenInvalid();
    await transaction.alone(`address ${found.email.toLowerCase()}`);
    const pending = await accounts.registrations.byToken(hash); // another one of the address may have been verified just now
    if (pending === undefined) throw mailTokenInvalid();
    const user = await users
      .add({
        ...{ name: name === '' ? pending.name : name, email: pending.email, emailVerifiedAt: now },
        ...{ passwordHash: pending.passwordHash, groups: await groupsThere(transaction, policy.registrationGroups) },
      })
      .catch((error) => {
        // The address has become a user's in another way: then there is nothing left to verify.
        throw isKind(error, 'conflict') && error.code === 'USER_EMAIL_TAKEN' ? mailTokenInvalid() : error;
      });
    await accounts.registrations.removeAllOf(pending.email);
    transaction.tell(userFact(user, now));
    const resource = { id: user.id, name: user.name };
    transaction.audit({ action: 'user.registered', resource, after: auditedUser(user), actor: asUser(user) });
    for (const what of ['user.registered', 'user.verified'] as const) {
      transaction.publish({ what, subject: { type: 'user', id: user.id }, userId: user.id });
    }
  };
}

/** Groups may be removed at run time: the settings do not follow. */
async function groupsThere({ groups }: AuthTransaction, names: readonly string[]): Promise<readonly string[]> {
  return names.length === 0 ? [] : (await groups.byNames(names)).map(({ name }) => name);
}
