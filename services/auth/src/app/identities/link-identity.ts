import type { AuditAction } from '@berth/contracts';
import { userBanned, userNotFound } from '../../domain/errors.ts';
import { type Identity, labelOf, type ProviderProfile } from '../../domain/identities/identity.ts';
import {
  identityNotFound,
  identityTaken,
  lastSignInWay,
  providerNotFound,
} from '../../domain/identities/identity-errors.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { applyMappedGroups, guardGroups } from './mapped-groups.ts';
import { identityLock } from './sign-in-with-identity.ts';

/** Links the identity with the user's account; again is the same as once. Throws `conflict` IDENTITY_TAKEN. */
export async function linkIdentity(
  transaction: AuthTransaction,
  userId: string,
  { provider: name, profile }: { readonly provider: string; readonly profile: ProviderProfile },
): Promise<Identity & { readonly providerDisplayName: string }> {
  const { identities, identityProviders } = transaction;
  const provider = await identityProviders.inUse(name);
  if (provider?.enabled !== true) throw providerNotFound();
  const providerDisplayName = provider.displayName;
  await transaction.alone(identityLock(name, profile.subject));
  const user = await activeUser(transaction, userId);
  const known = await identities.bySubject(name, profile.subject);
  if (known !== undefined && known.userId !== userId) throw identityTaken();
  if (known !== undefined) return { ...known, providerDisplayName };
  const link = { provider: name, subject: profile.subject, userId, label: labelOf(profile) };
  const identity = await identities.add(link);
  tellOfChange(transaction, user, {
    identity,
    action: 'identity.linked',
    field: `sign-in with ${providerDisplayName}`,
  });
  return { ...identity, providerDisplayName };
}

/**
 * Takes an identity off the user's account, and the user out of the groups that its provider maps: nobody would take them away later.
 * Throws `not_found` IDENTITY_NOT_FOUND, `conflict` LAST_SIGN_IN_WAY.
 */
export async function unlinkIdentity(transaction: AuthTransaction, userId: string, id: string): Promise<void> {
  const { identities, identityProviders } = transaction;
  await transaction.alone('identities');
  const identity = (await identities.ofUser(userId)).find((one) => one.id === id);
  const provider = identity && (await identityProviders.inUse(identity.provider));
  if (identity === undefined || provider === undefined) throw identityNotFound();
  await guardGroups(transaction, provider);
  const user = await activeUser(transaction, userId);
  const owned = await identities.ofUser(userId);
  if (!owned.some((one) => one.id === id)) throw identityNotFound(); // taken away meanwhile
  if (user.passwordHash === null && (await identities.otherWays(userId, id)) === 0) throw lastSignInWay();
  await identities.remove(id);
  const another = owned.some((one) => one.id !== id && one.provider === provider.name);
  if (!another) await applyMappedGroups(transaction, user, { provider, granted: [] });
  const field = `no sign-in with ${provider.displayName} any more`;
  tellOfChange(transaction, user, { identity, action: 'identity.unlinked', field });
}

async function activeUser({ users, now }: AuthTransaction, userId: string): Promise<User> {
  const user = await users.byId(userId);
  if (user === undefined) throw userNotFound();
  if (isBanned(user, now)) throw userBanned(user);
  return user;
}

/** The owner hears of it: whoever links an identity can sign in with it. */
function tellOfChange(
  { audit, mail, publish }: AuthTransaction,
  user: User,
  { identity, action, field }: { identity: Identity; action: AuditAction<'identity'>; field: string },
): void {
  const { id, provider, label } = identity;
  const what = { provider, label };
  audit({
    action,
    resource: { id, name: `${user.name} at ${provider}` },
    ...(action === 'identity.linked' ? { after: what } : { before: what }),
  });
  publish({ what: action, subject: { type: 'identity', id }, userId: user.id, reason: `identity ${provider}` });
  if (user.email === null || user.emailVerifiedAt === null) return;
  const values = { name: user.name, fields: field };
  mail({ template: 'profile-changed', to: user.email, userId: user.id, values });
}
