import type { Account, GetPublicProfileResponse } from '@berth/contracts';
import { digestOf } from '../entity-tag.ts';
import { showTime } from '../show-time.ts';
import type { AccountDocument, PublicProfileDocument } from './account-schemas.ts';

/** An account as its user sees it. */
export const showAccount = (account: Account): AccountDocument => ({
  id: account.id,
  name: account.name,
  email: account.email || null,
  email_verified_at: account.emailVerifiedAt === undefined ? null : showTime(account.emailVerifiedAt),
  profile: account.profile,
  public_fields: account.publicFields,
  groups: account.groups,
  permissions: [...new Set(account.grants.flatMap(({ permissions }) => permissions))].sort(),
  grants: account.grants.map(({ group, permissions }) => ({ group: group || null, permissions })),
  has_password: account.hasPassword,
  version: Number(account.version),
  created_at: showTime(account.createdAt),
  updated_at: showTime(account.updatedAt),
  last_sign_in_at: account.lastSignInAt === undefined ? null : showTime(account.lastSignInAt),
});

/** The version, which is all that writes compare, and the rest: groups may change what a user may do without it. */
export const accountTag = (account: Account): string =>
  `"${account.version}-${digestOf(JSON.stringify(showAccount(account)))}"`;

/** What a user shows to others. */
export const showPublicProfile = ({ name, profile, createdAt }: GetPublicProfileResponse): PublicProfileDocument => ({
  name,
  profile,
  created_at: showTime(createdAt),
});
