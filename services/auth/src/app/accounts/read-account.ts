import { type Grant, grantsOf } from '@berth/contracts';
import { userNotFound } from '../../domain/errors.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import type { GroupStore } from '../users/group-store.ts';
import type { AccountReader } from './account-store.ts';

/** An account, and what its user may do. */
export interface AccountView {
  readonly user: User;
  readonly grants: readonly Grant[];
}

/** `user`'s account. */
export async function viewOfAccount(groups: Pick<GroupStore, 'byNames'>, user: User): Promise<AccountView> {
  const { permissions, group, grants } = grantsOf(await groups.byNames(user.groups));
  return { user, grants: [{ group, permissions }, ...grants].filter((grant) => grant.permissions.length > 0) };
}

/** A user's own account. */
export async function getAccount(
  { accounts, groups }: { accounts: AccountReader; groups: Pick<GroupStore, 'byNames'> },
  userId: string,
): Promise<AccountView> {
  const user = await accounts.byId(userId);
  if (user === undefined) throw userNotFound();
  return viewOfAccount(groups, user);
}

/** What a user shows to everybody who is signed in. Who is banned shows nothing. */
export interface PublicProfile {
  readonly name: string;
  readonly profile: Readonly<Record<string, string>>;
  readonly createdAt: Date;
}

/** What the user of that name chose to show. */
export async function getPublicProfile(
  { accounts }: { accounts: AccountReader },
  name: string,
  now: Date,
): Promise<PublicProfile> {
  const user = await accounts.byName(name);
  if (user === undefined || isBanned(user, now)) throw userNotFound();
  const { email, emailVerifiedAt, publicFields } = user;
  const fields = { ...user.profile, ...(email !== null && emailVerifiedAt !== null && { email }) };
  const profile = Object.fromEntries(Object.entries(fields).filter(([field]) => publicFields.includes(field)));
  return { name: user.name, profile, createdAt: user.createdAt };
}
