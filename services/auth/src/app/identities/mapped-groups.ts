import type { ProviderProfile } from '../../domain/identities/identity.ts';
import { groupsOfClaim, type IdentityProvider, withMappedGroups } from '../../domain/identities/identity-provider.ts';
import { adminGroup } from '../../domain/users/group.ts';
import { inGroups, type User } from '../../domain/users/user.ts';
import { asUser } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { keepGroups, resourceOf, tellRights } from '../users/administered-user.ts';

/** Call before the user is locked, where what is done may change the user's groups, or make one. */
export async function guardGroups(
  transaction: AuthTransaction,
  provider: IdentityProvider,
  isNew = false,
): Promise<void> {
  const mapped = Object.values(provider.claimGroups);
  if (mapped.includes(adminGroup)) await transaction.alone('users');
  if (isNew) await transaction.alone('names');
  if (isNew || mapped.length > 0) await keepGroups(transaction);
}

/** The groups that the provider grants now, without those that are not there any more. */
export async function grantedGroups(
  { groups }: AuthTransaction,
  provider: IdentityProvider,
  { claims }: Pick<ProviderProfile, 'claims'>,
): Promise<readonly string[]> {
  const granted = await groups.byNames(groupsOfClaim(provider, claims));
  return granted.map(({ name }) => name);
}

/**
 * Puts the user into the groups that the provider maps and grants, and takes it out of those that it maps and does not grant. Other groups
 * stay as they are. The last admin stays admin.
 */
export async function applyMappedGroups(
  transaction: AuthTransaction,
  user: User,
  { provider, granted }: { readonly provider: IdentityProvider; readonly granted: readonly string[] },
): Promise<User> {
  let groups = withMappedGroups(user.groups, provider, granted);
  const losesAdmin = user.groups.includes(adminGroup) && !groups.includes(adminGroup);
  if (losesAdmin && (await transaction.users.otherAdmins(user.id)) === 0) groups = [...groups, adminGroup];
  if (groups.length === user.groups.length && groups.every((group) => user.groups.includes(group))) return user;
  const changed = await transaction.users.save(inGroups(user, groups));
  tellRights(transaction, changed);
  transaction.audit({
    action: 'user.changed',
    resource: resourceOf(changed),
    before: auditedUser(user),
    after: auditedUser(changed),
    details: { identity_provider: provider.name },
    actor: asUser(changed),
  });
  transaction.publish({
    what: 'user.changed',
    subject: { type: 'user', id: user.id },
    userId: user.id,
    reason: `identity ${provider.name}`,
  });
  return changed;
}
