import type { Permitted } from '@berth/contracts';
import { removedUserFact, userFact } from '../../domain/access-facts.ts';
import { assertVersion, lastAdmin, refuseFields, userNotFound } from '../../domain/errors.ts';
import { groupNotFound } from '../../domain/users/administration-errors.ts';
import { adminGroup, type Group } from '../../domain/users/group.ts';
import { assertHolds } from '../../domain/users/handed-out.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import type { Asker } from '../asker.ts';
import { auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { tellKeysOf } from '../keys/note-key.ts';
import type { DecidedBy } from './ban-store.ts';

/** The user whom `asker` may administer: nobody changes who holds more than they do. `ifVersion`: 0 for any. */
export async function administeredUser(
  transaction: AuthTransaction,
  asker: Asker,
  { id, ifVersion }: { readonly id: string; readonly ifVersion: bigint },
): Promise<User> {
  const user = await transaction.users.byId(id);
  if (user === undefined) throw userNotFound();
  assertHolds(asker.principal, await transaction.groups.byNames(user.groups));
  assertVersion(ifVersion, user.version);
  return user;
}

/** Refuses groups that are not there, or that give what the asker does not hold. */
export async function assertMayGive(
  transaction: AuthTransaction,
  asker: Permitted | undefined,
  names: readonly string[],
): Promise<void> {
  const groups = await transaction.groups.byNames(names);
  const known = new Set(groups.map(({ name }) => name));
  const missing = [...names.entries()].filter(([, name]) => !known.has(name));
  refuseFields(missing.map(([index, name]) => ({ field: `groups[${index}]`, message: `there is no group ${name}` })));
  assertHolds(asker, groups);
}

/** The group of that name, which stays until the transaction ends. Call it before a user is locked. */
export async function keptGroup(transaction: AuthTransaction, name: string): Promise<Group> {
  await keepGroups(transaction);
  const group = await transaction.groups.kept(name);
  if (group === undefined) throw groupNotFound(name);
  return group;
}

/** No group is removed from here to the end of the transaction. Call it before a user is locked whose groups may change. */
export const keepGroups = ({ alongside }: AuthTransaction): Promise<void> => alongside('groups');

/** The group of that name, locked. */
export async function existingGroup(transaction: AuthTransaction, name: string): Promise<Group> {
  const group = await transaction.groups.byName(name);
  if (group === undefined) throw groupNotFound(name);
  return group;
}

/** Refuses that the last admin stops being one. Holds only where `alone('users')` came before the user was read. */
export async function assertAdminRemains({ users, now }: AuthTransaction, user: User): Promise<void> {
  if (!user.groups.includes(adminGroup) || isBanned(user, now)) return;
  if ((await users.otherAdmins(user.id)) === 0) throw lastAdmin();
}

/** Takes the user away, with everything that opens anything for them, and tells everybody. */
export async function takeAway(transaction: AuthTransaction, user: User): Promise<void> {
  await transaction.users.remove(user.id);
  transaction.tell(removedUserFact(user));
  tellKeysOf(transaction, user.id);
  if (user.email !== null) {
    transaction.mail({ template: 'account-deleted', to: user.email, userId: user.id, values: { name: user.name } });
  }
  transaction.audit({ action: 'user.deleted', resource: resourceOf(user), before: auditedUser(user) });
  transaction.publish({ what: 'user.deleted', subject: { type: 'user', id: user.id }, userId: user.id });
}

/** Tells what a user may do from now on: to whoever has seen their tokens, and to whoever remembers who holds their API keys. */
export function tellRights(transaction: AuthTransaction, user: User): void {
  transaction.tell(userFact(user, transaction.now));
  tellKeysOf(transaction, user.id);
}

/** Whose decision it is, for histories. */
export const decidedBy = ({ principal }: Asker): DecidedBy => ({
  id: principal?.id ?? '',
  name: principal?.name ?? 'berth',
});

/** Whether it is the same home group and the same others, whose order says nothing. */
export const areSameGroups = (one: readonly string[], other: readonly string[]): boolean =>
  one[0] === other[0] && one.length === other.length && one.every((name) => other.includes(name));

/** How entries of the audit log name a user. */
export const resourceOf = ({ id, name }: User) => ({ id, name });
