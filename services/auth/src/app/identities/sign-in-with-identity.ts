import { randomBytes } from 'node:crypto';
import { userBanned } from '../../domain/errors.ts';
import {
  domainOf,
  type Identity,
  labelOf,
  nameCandidates,
  type ProviderProfile,
} from '../../domain/identities/identity.ts';
import {
  accountExists,
  identityNotAllowed,
  identityUnknown,
  providerNotFound,
} from '../../domain/identities/identity-errors.ts';
import type { IdentityProvider } from '../../domain/identities/identity-provider.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import { type Asker, asUser } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { openSession, type Tokens } from '../sessions/open-session.ts';
import { resourceOf } from '../users/administered-user.ts';
import { applyMappedGroups, grantedGroups, guardGroups } from './mapped-groups.ts';

/**
 * Signs in whoever the provider says it is, as the user with whom that identity is linked, or as a new one. Throws `conflict`
 * IDENTITY_UNKNOWN or ACCOUNT_EXISTS, `forbidden` IDENTITY_NOT_ALLOWED or USER_BANNED. USER_NAME_TAKEN and USER_EMAIL_TAKEN mean that
 * somebody registered at this very moment: run it again.
 */
export async function signInWithIdentity(
  transaction: AuthTransaction,
  asker: Asker,
  { provider: name, profile }: { readonly provider: string; readonly profile: ProviderProfile },
): Promise<Tokens> {
  const { identities, identityProviders } = transaction;
  const provider = await identityProviders.inUse(name);
  if (provider?.enabled !== true) throw providerNotFound();
  await transaction.alone(identityLock(name, profile.subject));
  const known = await identities.bySubject(name, profile.subject);
  await guardGroups(transaction, provider, known === undefined);
  const granted = await grantedGroups(transaction, provider, profile);
  const user = known
    ? await linkedUser(transaction, known)
    : await newUser(transaction, { provider, profile, groups: granted });
  if (isBanned(user, transaction.now)) throw userBanned(user);
  const identity = known ?? (await linkToNewUser(transaction, { user, provider, profile }));
  await identities.used(identity.id, labelOf(profile), transaction.now);
  const current = await applyMappedGroups(transaction, user, { provider, granted });
  return openSession(transaction, current, asker);
}

/** Whoever looks for an identity and may make it holds this lock. */
export const identityLock = (provider: string, subject: string): string => `identity ${provider} ${subject}`;

async function linkedUser({ users, identities }: AuthTransaction, known: Identity): Promise<User> {
  const user = await users.byId(known.userId);
  const still = await identities.bySubject(known.provider, known.subject);
  if (user === undefined || still?.id !== known.id) throw identityUnknown(); // taken away at this very moment
  return user;
}

/** No account is found by its address: docs/decisions/0052-no-linking-by-address.md says why. */
async function newUser(
  { users, identities, now }: AuthTransaction,
  { provider, profile, groups }: { provider: IdentityProvider; profile: ProviderProfile; groups: readonly string[] },
): Promise<User> {
  const { verifiedEmail: email } = profile;
  if (email !== null && (await users.holderOf(email)) !== undefined) throw accountExists();
  if (!provider.newUsers) throw identityUnknown();
  const { emailDomains } = provider;
  if (emailDomains.length > 0 && (email === null || !emailDomains.includes(domainOf(email)))) {
    throw identityNotAllowed();
  }
  const candidates = nameCandidates(profile, randomBytes(4).toString('hex'));
  const name = (await identities.freeName(candidates)) ?? candidates[0] ?? 'user';
  return users.add({ name, email, emailVerifiedAt: email === null ? null : now, passwordHash: null, groups });
}

async function linkToNewUser(
  { identities, audit, publish }: AuthTransaction,
  { user, provider, profile }: { user: User; provider: IdentityProvider; profile: ProviderProfile },
): Promise<Identity> {
  const link = { provider: provider.name, subject: profile.subject, userId: user.id, label: labelOf(profile) };
  const identity = await identities.add(link);
  const details = { identity_provider: provider.name, identity_id: identity.id };
  audit({
    action: 'user.created',
    ...{ resource: resourceOf(user), after: auditedUser(user), details, actor: asUser(user) },
  });
  const { id } = user;
  publish({ what: 'user.created', subject: { type: 'user', id }, userId: id, reason: `identity ${provider.name}` });
  return identity;
}
