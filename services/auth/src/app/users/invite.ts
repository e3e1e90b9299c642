import { faultsOfEmail, faultsOfName } from '../../domain/accounts/user-name.ts';
import { refuseFields } from '../../domain/errors.ts';
import { hashOfMailToken, newMailToken } from '../../domain/mails/mail-token.ts';
import {
  emailTaken,
  invitationEnded,
  invitationInvalid,
  invitationNotFound,
} from '../../domain/users/administration-errors.ts';
import { type Invitation, stateOf } from '../../domain/users/invitation.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import { type Asker, asUser } from '../asker.ts';
import { auditedInvitation, auditedUser } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { assertMayGive, decidedBy, keepGroups, resourceOf } from './administered-user.ts';

const hourMs = 3_600_000;
const usualDays = 7;
const mostDays = 90;

/** Who is invited, and to what. */
export interface InvitationTerms {
  readonly email: string;
  /** Proposed; empty: none. */
  readonly name: string;
  readonly groups: readonly string[];
  /** For how many days; 0: 7. */
  readonly days: number;
}

/** Invites somebody who is no user yet. */
export async function createInvitation(
  transaction: AuthTransaction,
  asker: Asker,
  terms: InvitationTerms,
): Promise<Invitation> {
  refuseFields([
    ...faultsOfEmail(terms.email),
    ...(terms.name === '' ? [] : faultsOfName(terms.name)),
    ...(terms.days > mostDays ? [{ field: 'expires_in_days', message: `must be at most ${mostDays}` }] : []),
  ]);
  await assertMayGive(transaction, asker.principal, terms.groups);
  await transaction.alone('invitations');
  if ((await transaction.users.byEmail(terms.email)) !== undefined) throw emailTaken();
  return invite(transaction, asker, { ...terms, userId: null });
}

/**
 * Sends an invitation, also to who has been made already and shall choose a password (`userId`). An earlier one of the address ends. Call
 * `alone('invitations')` before a user is locked.
 */
export async function invite(
  transaction: AuthTransaction,
  asker: Asker,
  { email, name, groups, days, userId }: InvitationTerms & { readonly userId: string | null },
): Promise<Invitation> {
  const { now: at, invitations } = transaction;
  await invitations.endOpen({ email }, { ending: 'replaced', at });
  const { text: token, hash: tokenHash } = newMailToken();
  const hours = (days === 0 ? usualDays : days) * 24;
  const by = decidedBy(asker);
  const expiresAt = new Date(at.getTime() + hours * hourMs);
  const invitation = await invitations.add({
    tokenHash,
    email,
    name,
    groups,
    userId,
    by,
    at,
    expiresAt,
  });
  const values = { name: by.name, user: name, token, hours: String(hours) };
  transaction.mail({ template: 'invitation', to: email, ...(userId !== null && { userId }), values });
  transaction.audit({
    action: 'invitation.created',
    resource: { id: invitation.id, name: email },
    after: auditedInvitation(invitation),
  });
  publishOf(transaction, 'created', invitation);
  return invitation;
}

/** Ends an open invitation: its token opens nothing any more. */
export async function revokeInvitation(transaction: AuthTransaction, id: string): Promise<void> {
  const invitation = await transaction.invitations.byId(id);
  if (invitation === undefined) throw invitationNotFound();
  if (invitation.endedAt !== null) throw invitationEnded();
  await transaction.invitations.end(id, { ending: 'revoked', at: transaction.now, userId: invitation.userId });
  const resource = { id, name: invitation.email };
  transaction.audit({ action: 'invitation.revoked', resource, before: auditedInvitation(invitation) });
  publishOf(transaction, 'revoked', invitation);
}

/** Makes the user whom an invitation is about, or gives one their first password. The address counts as verified: the token was sent there. */
export async function acceptInvitation(
  transaction: AuthTransaction,
  { token, name, passwordHash }: { readonly token: string; readonly name: string; readonly passwordHash: string },
): Promise<User> {
  const { now, invitations } = transaction;
  const tokenHash = hashOfMailToken(token);
  for (const word of ['invitations', 'names']) await transaction.alone(word);
  await keepGroups(transaction);
  const userId = await invitations.userOf(tokenHash);
  if (userId !== undefined) await transaction.users.byId(userId); // whoever removes the user has it before its invitations, too
  const invitation = await invitations.byToken(tokenHash);
  if (invitation === undefined || stateOf(invitation, now) !== 'open') throw invitationInvalid();
  const user =
    invitation.userId === null
      ? await newUser(transaction, invitation, { name, passwordHash })
      : await firstPassword(transaction, invitation, { name, passwordHash });
  await invitations.end(invitation.id, { ending: 'accepted', at: now, userId: user.id });
  transaction.audit({
    action: 'invitation.accepted',
    resource: { id: invitation.id, name: invitation.email },
    before: auditedInvitation(invitation),
    details: { user_id: user.id },
    actor: asUser(user),
  });
  publishOf(transaction, 'accepted', { id: invitation.id, userId: user.id });
  return user;
}

/** Without the address: it is somebody's who is no user yet. */
const publishOf = (
  { publish }: AuthTransaction,
  what: 'created' | 'revoked' | 'accepted',
  { id, userId }: Pick<Invitation, 'id' | 'userId'>,
): void =>
  publish({ what: `invitation.${what}`, subject: { type: 'invitation', id }, ...(userId !== null && { userId }) });

interface Chosen {
  readonly name: string;
  readonly passwordHash: string;
}

async function newUser(transaction: AuthTransaction, { email, groups }: Invitation, chosen: Chosen): Promise<User> {
  const { now: emailVerifiedAt, users } = transaction;
  // Groups that are gone by now are left out: the rest of what was promised holds.
  const left = (await transaction.groups.byNames(groups)).map(({ name }) => name);
  const user = await users.add({ ...chosen, email, emailVerifiedAt, groups: left });
  transaction.audit({
    action: 'user.created',
    ...{ resource: resourceOf(user), after: auditedUser(user), actor: asUser(user) },
  });
  transaction.publish({ what: 'user.created', subject: { type: 'user', id: user.id }, userId: user.id });
  return user;
}

async function firstPassword(
  transaction: AuthTransaction,
  { userId, email }: Invitation,
  { name, passwordHash }: Chosen,
): Promise<User> {
  const { now, users } = transaction;
  const user = await users.byId(userId ?? '');
  const isTheirs = user?.email?.toLowerCase() === email.toLowerCase();
  if (user === undefined || user.passwordHash !== null || !isTheirs || isBanned(user, now)) throw invitationInvalid();
  const saved = await users.save({ ...user, name, passwordHash, emailVerifiedAt: user.emailVerifiedAt ?? now });
  transaction.audit({
    action: 'user.password_changed',
    ...{ resource: resourceOf(saved), before: auditedUser(user), after: auditedUser(saved), actor: asUser(saved) },
  });
  transaction.publish({ what: 'user.password_changed', subject: { type: 'user', id: saved.id }, userId: saved.id });
  return saved;
}
