import type { AuditedState } from '@berth/contracts';
import type { IdentityProvider } from '../domain/identities/identity-provider.ts';
import type { ApiKeyView } from '../domain/keys/api-key.ts';
import type { Block } from '../domain/limits/block.ts';
import type { Limit } from '../domain/limits/limit.ts';
import type { LimitRule } from '../domain/limits/limit-rule.ts';
import type { Group } from '../domain/users/group.ts';
import type { Invitation } from '../domain/users/invitation.ts';
import { forEver, type User } from '../domain/users/user.ts';

// What the audit log says of things as they were and are: the names and values are those of the API, and nothing opens anything.

export const auditedUser = (user: User): AuditedState => ({
  id: user.id,
  name: user.name,
  email: user.email,
  email_verified_at: user.emailVerifiedAt,
  has_password: user.passwordHash !== null,
  groups: user.groups,
  access_token_seconds: user.accessTokenSeconds,
  refresh_token_seconds: user.refreshTokenSeconds,
  limits: user.limits.map(shownLimit),
  ban: user.bannedUntil && { until: unlessForEver(user.bannedUntil), reason: user.banReason },
  version: user.version,
  created_at: user.createdAt,
  updated_at: user.updatedAt,
  last_sign_in_at: user.lastSignInAt,
});

/** What users say of themselves. */
export const auditedProfile = ({ name, profile, publicFields }: User): AuditedState => ({
  name,
  profile,
  public_fields: publicFields,
});

export const auditedGroup = (group: Group): AuditedState => ({
  name: group.name,
  description: group.description,
  permissions: group.permissions,
  everywhere: group.everywhere,
  access_token_seconds: group.accessTokenSeconds,
  refresh_token_seconds: group.refreshTokenSeconds,
  limits: group.limits.map(shownLimit),
  built_in: group.builtIn,
  version: group.version,
  created_at: group.createdAt,
  updated_at: group.updatedAt,
});

export const auditedInvitation = (invitation: Invitation): AuditedState => ({
  id: invitation.id,
  email: invitation.email,
  name: invitation.name === '' ? null : invitation.name,
  groups: invitation.groups,
  invited_by: invitation.invitedBy,
  state: invitation.ending ?? 'open',
  user_id: invitation.userId,
  created_at: invitation.createdAt,
  expires_at: invitation.expiresAt,
  ended_at: invitation.endedAt,
});

export const auditedKey = (key: ApiKeyView): AuditedState => ({
  id: key.id,
  name: key.name,
  description: key.description,
  prefix: key.prefix,
  permission: key.permission,
  permissions: key.permissions,
  is_admin: key.permission === 'admin',
  user_id: key.ownerId,
  group: key.group,
  allowed_networks: key.allowedNetworks,
  created_at: key.createdAt,
  expires_at: key.expiresAt,
  last_used_at: key.lastUsedAt,
  previous_expires_at: key.previousExpiresAt,
});

export const auditedProvider = (provider: IdentityProvider): AuditedState => ({
  name: provider.name,
  display_name: provider.displayName,
  preset: provider.preset,
  issuer: provider.issuer,
  endpoints: provider.endpoints,
  client_id: provider.clientId,
  client_secret_set: provider.hasClientSecret,
  scopes: provider.scopes,
  registration: { new_users: provider.newUsers, email_domains: provider.emailDomains },
  groups: provider.groupClaim === null ? null : { claim: provider.groupClaim, map: provider.claimGroups },
  redirect_uris: provider.redirectUris,
  enabled: provider.enabled,
  version: provider.version,
});

export const auditedRules = (rules: readonly LimitRule[]): AuditedState => ({
  rules: rules.map(({ subject, mode, ...limit }) => ({ subject, ...shownLimit(limit), mode })),
});

export const auditedBlock = (block: Block): AuditedState => ({
  subject: block.subject,
  reason: block.reason,
  blocked_at: block.blockedAt,
  until: unlessForEver(block.until),
  automatic: block.automatic,
  repetitions: block.repetitions,
});

const shownLimit = ({ endpointGroup, windowSeconds, requests }: Pick<LimitRule, keyof Limit>) => ({
  endpoint_group: endpointGroup,
  window_seconds: windowSeconds,
  requests,
});

const unlessForEver = (moment: Date): Date | null => (moment.getTime() === forEver.getTime() ? null : moment);
