import { isDeepStrictEqual } from 'node:util';
import { faultsOfName } from '../../domain/accounts/user-name.ts';
import { refuseFields } from '../../domain/errors.ts';
import type { Limit } from '../../domain/limits/limit.ts';
import { termErrors } from '../../domain/users/access-terms.ts';
import { adminGroup } from '../../domain/users/group.ts';
import { inGroups, type User } from '../../domain/users/user.ts';
import type { Asker } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import {
  administeredUser,
  areSameGroups,
  assertAdminRemains,
  assertMayGive,
  keepGroups,
  resourceOf,
  takeAway,
  tellRights,
} from './administered-user.ts';
import { invite } from './invite.ts';

/** What an administrator says of a user. */
export interface UserTerms {
  readonly name: string;
  readonly email: string | null;
  readonly emailVerified: boolean;
  readonly groups: readonly string[];
  readonly accessTokenSeconds: number | null;
  readonly refreshTokenSeconds: number | null;
  readonly limits: readonly Limit[];
}

/** Who is changed, and which version of them; 0: any. */
export interface UserChoice {
  readonly id: string;
  readonly ifVersion: bigint;
}

const daysToChooseAPassword = 7;

/** Refuses terms that no user may have, with and without what else is wrong, all at once. */
export function checkUserTerms(terms: Partial<UserTerms>, more: Parameters<typeof refuseFields>[0] = []): void {
  refuseFields([...(terms.name === undefined ? [] : faultsOfName(terms.name)), ...termErrors(terms), ...more]);
}

/** Makes a user. Who gets no password is asked by mail to choose one. */
export async function createUser(
  transaction: AuthTransaction,
  asker: Asker,
  { passwordHash, ...terms }: UserTerms & { readonly passwordHash: string | null },
): Promise<User> {
  const { now, users } = transaction;
  await assertMayGive(transaction, asker.principal, terms.groups);
  const { name, email, groups } = terms;
  if (passwordHash === null && email !== null) await transaction.alone('invitations');
  const emailVerifiedAt = terms.emailVerified && email !== null ? now : null;
  const added = await users.add({ name, email, emailVerifiedAt, passwordHash, groups });
  const { accessTokenSeconds, refreshTokenSeconds, limits } = terms;
  const hasMore = accessTokenSeconds !== null || refreshTokenSeconds !== null || limits.length > 0;
  const user = hasMore ? await users.save({ ...added, accessTokenSeconds, refreshTokenSeconds, limits }) : added;
  if (limits.length > 0) tellRights(transaction, user);
  transaction.audit({ action: 'user.created', resource: resourceOf(user), after: auditedUser(user) });
  transaction.publish({ what: 'user.created', subject: { type: 'user', id: user.id }, userId: user.id });
  if (passwordHash === null && email !== null) {
    await invite(transaction, asker, { email, name, groups, userId: user.id, days: daysToChooseAPassword });
  }
  return user;
}

/** Changes a user; other groups hold at once, on every gateway. A new e-mail address is not verified unless that is said too. */
export async function updateUser(
  transaction: AuthTransaction,
  asker: Asker,
  { changes, ...choice }: UserChoice & { readonly changes: Partial<UserTerms> },
): Promise<User> {
  if (changes.groups !== undefined) await transaction.alone('users');
  if (changes.name !== undefined || changes.email !== undefined) await transaction.alone('names');
  if (changes.groups !== undefined) await keepGroups(transaction);
  const user = await administeredUser(transaction, asker, choice);
  if (changes.groups !== undefined) {
    await assertMayGive(transaction, asker.principal, changes.groups);
    if (!changes.groups.includes(adminGroup)) await assertAdminRemains(transaction, user);
  }
  const wanted = changed(user, changes, transaction.now);
  if (isDeepStrictEqual(wanted, user)) return user;
  const saved = await transaction.users.save(wanted);
  if (changes.groups !== undefined || changes.limits !== undefined) tellRights(transaction, saved);
  await tellOfNewAddress(transaction, user, saved);
  transaction.audit({
    action: 'user.changed',
    ...{ resource: resourceOf(saved), before: auditedUser(user), after: auditedUser(saved) },
  });
  transaction.publish({ what: 'user.changed', subject: { type: 'user', id: saved.id }, userId: saved.id });
  return saved;
}

function changed(user: User, { emailVerified, groups, ...changes }: Partial<UserTerms>, now: Date): User {
  const next: User = { ...user, ...changes };
  const stays = next.email === user.email ? user.emailVerifiedAt : null;
  const emailVerifiedAt = emailVerified === undefined ? stays : emailVerified ? (stays ?? now) : null;
  const withAddress = { ...next, emailVerifiedAt: next.email === null ? null : emailVerifiedAt };
  return groups === undefined || areSameGroups(groups, user.groups) ? withAddress : inGroups(withAddress, groups);
}

/** The old address hears that it is not used any more, and what was sent there opens nothing. */
async function tellOfNewAddress(transaction: AuthTransaction, user: User, saved: User): Promise<void> {
  const { id: userId, name, email } = saved;
  if (email !== user.email) {
    await transaction.invitations.endOpen({ userId }, { ending: 'revoked', at: transaction.now });
    await transaction.accounts.mailTokens.removeAllOf(userId);
    await transaction.accounts.mailRequests.removeAllOf(userId);
    if (user.email !== null) {
      transaction.mail({ template: 'email-changed', to: user.email, userId, values: { name, new_email: email ?? '' } });
    }
  }
  if (email === null || name === user.name) return;
  transaction.mail({ template: 'profile-changed', to: email, userId, values: { name, fields: 'name' } });
}

/** Removes a user for good: nothing that they hold opens anything from then on. One admin remains. */
export async function removeUser(transaction: AuthTransaction, asker: Asker, choice: UserChoice): Promise<void> {
  await transaction.alone('users');
  const user = await administeredUser(transaction, asker, choice);
  await assertAdminRemains(transaction, user);
  await takeAway(transaction, user);
}
