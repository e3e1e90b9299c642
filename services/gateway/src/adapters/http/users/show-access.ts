import type { Invitation, Limit, UserBan, UserGroup, UserRecord } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { showTime } from '../show-time.ts';
import type { LimitDocument } from './access-values.ts';
import type { GroupDocument } from './group-schemas.ts';
import type { InvitationDocument } from './invitation-schemas.ts';
import type { BanDocument, UserDocument } from './user-schemas.ts';

/** A user, as administrators see one. */
export const showUser = (user: UserRecord): UserDocument => ({
  id: user.id,
  name: user.name,
  email: user.email ?? null,
  email_verified_at: timeOrNull(user.emailVerifiedAt),
  has_password: user.hasPassword,
  groups: user.groups,
  ...showLifetimes(user),
  limits: user.limits.map(showLimit),
  ban: user.ban ? { until: timeOrNull(user.ban.until), reason: user.ban.reason } : null,
  version: Number(user.version),
  created_at: showTime(user.createdAt),
  updated_at: showTime(user.updatedAt),
  last_sign_in_at: timeOrNull(user.lastSignInAt),
});

export const showGroup = (group: UserGroup): GroupDocument => ({
  name: group.name,
  description: group.description,
  permissions: group.permissions,
  everywhere: group.everywhere,
  ...showLifetimes(group),
  limits: group.limits.map(showLimit),
  built_in: group.builtIn,
  version: Number(group.version),
  created_at: showTime(group.createdAt),
  updated_at: showTime(group.updatedAt),
});

export const showBan = (ban: UserBan): BanDocument => ({
  id: ban.id,
  banned_at: showTime(ban.bannedAt),
  banned_by: ban.bannedBy,
  until: timeOrNull(ban.until),
  reason: ban.reason,
  ended_at: timeOrNull(ban.endedAt),
  ended_by: ban.endedBy || null,
  ending: (ban.ending || null) as BanDocument['ending'], // auth's words are these
  lift_reason: ban.liftReason || null,
});

export const showInvitation = (invitation: Invitation): InvitationDocument => ({
  id: invitation.id,
  email: invitation.email,
  name: invitation.name || null,
  groups: invitation.groups,
  invited_by: invitation.invitedBy,
  state: invitation.state as InvitationDocument['state'], // auth's words are these
  user_id: invitation.userId || null,
  created_at: showTime(invitation.createdAt),
  expires_at: showTime(invitation.expiresAt),
  ended_at: timeOrNull(invitation.endedAt),
});

/** What an answer must have come with. */
export function present<T>(value: T | undefined): T {
  if (value === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without what it is about.');
  return value;
}

const timeOrNull = (time: Timestamp | undefined): string | null => (time ? showTime(time) : null);

const showLifetimes = (of: Pick<UserGroup, 'accessTokenSeconds' | 'refreshTokenSeconds'>) => ({
  access_token_seconds: of.accessTokenSeconds === undefined ? null : Number(of.accessTokenSeconds),
  refresh_token_seconds: of.refreshTokenSeconds === undefined ? null : Number(of.refreshTokenSeconds),
});

const showLimit = ({ endpointGroup, windowSeconds, requests }: Limit): LimitDocument => ({
  endpoint_group: endpointGroup,
  window_seconds: windowSeconds as LimitDocument['window_seconds'], // auth keeps no other
  requests: Number(requests),
});
