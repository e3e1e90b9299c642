import type {
  InvitationSchema,
  Limit as LimitMessage,
  UserBanSchema,
  UserGroup,
  UserGroupSchema,
  UserRecord,
  UserRecordSchema,
} from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { GroupChanges } from '../../../app/users/administer-groups.ts';
import type { UserTerms } from '../../../app/users/administer-users.ts';
import { refuseFields } from '../../../domain/errors.ts';
import type { Limit } from '../../../domain/limits/limit.ts';
import type { Ban } from '../../../domain/users/ban.ts';
import type { Group } from '../../../domain/users/group.ts';
import { type Invitation, stateOf } from '../../../domain/users/invitation.ts';
import { forEver, isBanned, type User } from '../../../domain/users/user.ts';

/** A user as administrators see one. */
export const userMessage = (user: User, now: Date): MessageInitShape<typeof UserRecordSchema> => ({
  id: user.id,
  name: user.name,
  hasPassword: user.passwordHash !== null,
  groups: [...user.groups],
  limits: user.limits.map(limitMessage),
  version: BigInt(user.version),
  createdAt: timestampFromDate(user.createdAt),
  updatedAt: timestampFromDate(user.updatedAt),
  ...lifetimes(user),
  ...(user.email !== null && { email: user.email }),
  ...moment('emailVerifiedAt', user.emailVerifiedAt),
  ...moment('lastSignInAt', user.lastSignInAt),
  ...(isBanned(user, now) && { ban: { ...moment('until', untilOf(user)), reason: user.banReason ?? '' } }),
});

export const groupMessage = (group: Group): MessageInitShape<typeof UserGroupSchema> => ({
  name: group.name,
  description: group.description,
  permissions: [...group.permissions],
  everywhere: group.everywhere,
  builtIn: group.builtIn,
  limits: group.limits.map(limitMessage),
  version: BigInt(group.version),
  createdAt: timestampFromDate(group.createdAt),
  updatedAt: timestampFromDate(group.updatedAt),
  ...lifetimes(group),
});

/** A user as a member of a group: who may see groups may not see what is known of people. */
export const memberMessage = (user: User, group: string) => ({
  userId: user.id,
  name: user.name,
  home: user.groups[0] === group,
});

export const banMessage = (ban: Ban): MessageInitShape<typeof UserBanSchema> => ({
  id: ban.id,
  bannedAt: timestampFromDate(ban.bannedAt),
  bannedBy: ban.bannedBy,
  reason: ban.reason,
  endedBy: ban.endedBy,
  ending: ban.ending ?? '',
  liftReason: ban.liftReason,
  ...moment('until', ban.until),
  ...moment('endedAt', ban.endedAt),
});

export const invitationMessage = (invitation: Invitation, now: Date): MessageInitShape<typeof InvitationSchema> => ({
  id: invitation.id,
  email: invitation.email,
  name: invitation.name,
  groups: [...invitation.groups],
  invitedBy: invitation.invitedBy,
  createdAt: timestampFromDate(invitation.createdAt),
  expiresAt: timestampFromDate(invitation.expiresAt),
  state: stateOf(invitation, now),
  userId: invitation.userId ?? '',
  ...moment('endedAt', invitation.endedAt),
});

/** All that a message says of a user. */
export const userTerms = (user: UserRecord | undefined, emailVerified: boolean): UserTerms => ({
  name: user?.name ?? '',
  email: user?.email ?? null,
  emailVerified,
  groups: [...new Set(user?.groups)],
  accessTokenSeconds: numberOf(user?.accessTokenSeconds),
  refreshTokenSeconds: numberOf(user?.refreshTokenSeconds),
  limits: (user?.limits ?? []).map(limitOf),
});

/** All that a message says of a group, beside its name. */
export const groupTerms = (group: UserGroup | undefined): Required<GroupChanges> => ({
  description: group?.description ?? '',
  permissions: [...new Set(group?.permissions)],
  everywhere: group?.everywhere ?? false,
  accessTokenSeconds: numberOf(group?.accessTokenSeconds),
  refreshTokenSeconds: numberOf(group?.refreshTokenSeconds),
  limits: (group?.limits ?? []).map(limitOf),
});

/** Of `terms` those that a mask names, in snake_case. Refuses a name that is none of theirs. */
export function masked<T extends object>(terms: T, paths: readonly string[]): Partial<T> {
  const names = new Map(Object.keys(terms).map((name) => [snakeCase(name), name]));
  const unknown = paths.filter((path) => !names.has(snakeCase(path)));
  refuseFields(unknown.map((field) => ({ field, message: 'cannot be changed' })));
  const chosen = new Set(paths.map((path) => names.get(snakeCase(path))));
  // A part of T has the shape of a part of T.
  return Object.fromEntries(Object.entries(terms).filter(([name]) => chosen.has(name))) as Partial<T>;
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

const untilOf = ({ bannedUntil }: User): Date | null =>
  bannedUntil?.getTime() === forEver.getTime() ? null : bannedUntil;

const numberOf = (value: bigint | undefined): number | null => (value === undefined ? null : Number(value));

const lifetimes = ({
  accessTokenSeconds,
  refreshTokenSeconds,
}: Pick<User, 'accessTokenSeconds' | 'refreshTokenSeconds'>) => ({
  ...(accessTokenSeconds !== null && { accessTokenSeconds: BigInt(accessTokenSeconds) }),
  ...(refreshTokenSeconds !== null && { refreshTokenSeconds: BigInt(refreshTokenSeconds) }),
});

/** A member of that name, unless there is no such moment. */
const moment = <N extends string>(name: N, date: Date | null): { [K in N]?: Timestamp } =>
  date === null ? {} : ({ [name]: timestampFromDate(date) } as { [K in N]: Timestamp });

const limitMessage = ({ endpointGroup, windowSeconds, requests }: Limit) => ({
  ...{ endpointGroup, windowSeconds, requests: BigInt(requests) },
});

const limitOf = ({ endpointGroup, windowSeconds, requests }: LimitMessage): Limit => ({
  endpointGroup,
  windowSeconds: windowSeconds as Limit['windowSeconds'], // checked with the rest of the terms
  requests: Number(requests),
});
