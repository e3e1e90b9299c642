import { isDeepStrictEqual } from 'node:util';
import { groupFact, removedGroupFact } from '../../domain/access-facts.ts';
import { assertVersion, refuseFields } from '../../domain/errors.ts';
import { groupNameErrors, termErrors } from '../../domain/users/access-terms.ts';
import { groupBuiltIn, groupHasMembers, groupNameUsedBefore } from '../../domain/users/administration-errors.ts';
import { adminGroup, type Group } from '../../domain/users/group.ts';
import { assertHolds } from '../../domain/users/handed-out.ts';
import { inGroups, type User } from '../../domain/users/user.ts';
import type { Asker } from '../asker.ts';
import { auditedGroup, auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import {
  administeredUser,
  areSameGroups,
  assertAdminRemains,
  existingGroup,
  keptGroup,
  resourceOf,
  tellRights,
} from './administered-user.ts';
import type { NewGroup } from './group-store.ts';

/** What of a group can be changed. */
export type GroupChanges = Partial<Omit<NewGroup, 'name'>>;

/** Which group, and which version of it; 0: any. */
export interface GroupChoice {
  readonly name: string;
  readonly ifVersion: bigint;
}

/** Makes a group. `takeOver`: a group that is gone had the name, and what it owned becomes the new one's. */
export async function createGroup(
  transaction: AuthTransaction,
  asker: Asker,
  { takeOver, ...terms }: NewGroup & { readonly takeOver: boolean },
): Promise<Group> {
  refuseFields([...groupNameErrors(terms.name), ...termErrors(terms)]);
  assertHolds(asker.principal, [terms]);
  if (!takeOver && (await transaction.groups.wasThere(terms.name))) throw groupNameUsedBefore(terms.name);
  const group = await transaction.groups.add(terms);
  transaction.tell(groupFact(group));
  transaction.audit({ action: 'group.created', resource: groupResource(group), after: auditedGroup(group) });
  transaction.publish({ what: 'group.created', subject: { type: 'group', id: group.name } });
  return group;
}

/** Changes a group, for all its members at once. Who does must hold what it gives before and after. */
export async function updateGroup(
  transaction: AuthTransaction,
  asker: Asker,
  { changes, name, ifVersion }: GroupChoice & { readonly changes: GroupChanges },
): Promise<Group> {
  refuseFields(termErrors(changes));
  const group = await existingGroup(transaction, name);
  const wanted = { ...group, ...changes };
  assertHolds(asker.principal, [group, wanted]);
  assertVersion(ifVersion, group.version);
  if (name === adminGroup && !isDeepStrictEqual(rightsOf(wanted), rightsOf(group))) {
    throw groupBuiltIn(name, 'its members may do everything, and that stays so');
  }
  if (isDeepStrictEqual(wanted, group)) return group;
  const saved = await transaction.groups.save(wanted);
  transaction.tell(groupFact(saved));
  transaction.audit({
    action: 'group.changed',
    resource: groupResource(saved),
    before: auditedGroup(group),
    after: auditedGroup(saved),
  });
  transaction.publish({ what: 'group.changed', subject: { type: 'group', id: name } });
  return saved;
}

/** Removes a group; with `force` although it has members, who leave it. VMs and pools stay owned by its name. */
export async function deleteGroup(
  transaction: AuthTransaction,
  asker: Asker,
  { name, ifVersion, force }: GroupChoice & { readonly force: boolean },
): Promise<void> {
  await transaction.alone('groups'); // with it go memberships, home groups and keys of users whom others have locked
  const group = await existingGroup(transaction, name);
  if (group.builtIn) throw groupBuiltIn(name, 'it cannot be removed');
  assertHolds(asker.principal, [group]);
  assertVersion(ifVersion, group.version);
  if (!force && (await transaction.groups.hasMembers(name))) throw groupHasMembers(name);
  const members = await transaction.groups.dismissMembers(name);
  for (const user of members) tellRights(transaction, user);
  await transaction.groups.remove(name);
  transaction.tell(removedGroupFact(name));
  const details = { members: members.map(({ id }) => id) };
  transaction.audit({ action: 'group.deleted', resource: groupResource(group), before: auditedGroup(group), details });
  transaction.publish({ what: 'group.deleted', subject: { type: 'group', id: name } });
}

/** Whose membership it is about. */
export interface Membership {
  readonly name: string;
  readonly userId: string;
}

/** Makes a user a member. `home`: the group owns from then on what the user makes. Who is a member already stays one. */
export async function addMember(
  transaction: AuthTransaction,
  asker: Asker,
  { name, userId, home }: Membership & { readonly home: boolean },
): Promise<User> {
  assertHolds(asker.principal, [await keptGroup(transaction, name)]);
  const user = await administeredUser(transaction, asker, { id: userId, ifVersion: 0n });
  const others = user.groups.filter((one) => one !== name);
  const groups = home ? [name, ...others] : user.groups.includes(name) ? user.groups : [...user.groups, name];
  return saveGroups(transaction, user, groups);
}

/** Ends a membership. The last admin stays one. */
export async function removeMember(
  transaction: AuthTransaction,
  asker: Asker,
  { name, userId }: Membership,
): Promise<User> {
  await transaction.alone('users');
  await keptGroup(transaction, name);
  const user = await administeredUser(transaction, asker, { id: userId, ifVersion: 0n });
  if (name === adminGroup) await assertAdminRemains(transaction, user);
  return saveGroups(
    transaction,
    user,
    user.groups.filter((one) => one !== name),
  );
}

async function saveGroups(transaction: AuthTransaction, user: User, groups: readonly string[]): Promise<User> {
  if (areSameGroups(groups, user.groups)) return user;
  const saved = await transaction.users.save(inGroups(user, groups));
  tellRights(transaction, saved);
  transaction.audit({
    action: 'user.changed',
    ...{ resource: resourceOf(saved), before: auditedUser(user), after: auditedUser(saved) },
  });
  transaction.publish({ what: 'user.changed', subject: { type: 'user', id: saved.id }, userId: saved.id });
  return saved;
}

const rightsOf = ({ permissions, everywhere }: Group) => ({ permissions, everywhere });

const groupResource = ({ name }: Group) => ({ id: name, name });
