import { randomUUID } from 'node:crypto';
import { userBanned } from '../../domain/errors.ts';
import { hashOfRefreshToken, newRefreshToken } from '../../domain/sessions/refresh-token.ts';
import { endOf, laterEnd, lifetimesOf, type Session } from '../../domain/sessions/session.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import { type Asker, asUser } from '../asker.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** What a session is used with. Secret. */
export interface Tokens {
  readonly accessToken: string;
  /** For how many seconds the access token works; 0: for ever. */
  readonly accessSeconds: number;
  readonly accessExpiresAt: Date | undefined;
  readonly refreshToken: string;
  readonly refreshSeconds: number;
  readonly refreshExpiresAt: Date | undefined;
}

type Transaction = Pick<AuthTransaction, 'now' | 'groups' | 'sessions' | 'signer' | 'mail' | 'audit'>;

/**
 * Begins a session of a user who has shown who they are, in whichever way. `user` is to be locked by this transaction (`users.byId` and so on),
 * so that no ban or new password comes between. Throws `forbidden` USER_BANNED.
 */
export async function openSession(
  transaction: Transaction,
  user: User,
  client: Pick<Asker, 'clientAddress' | 'userAgent'>,
): Promise<Tokens> {
  const { now, sessions } = transaction;
  if (isBanned(user, now)) throw userBanned(user);
  const place = { device: client.userAgent, clientAddress: client.clientAddress };
  const before = await sessions.familiarity(user.id, place);
  const begun: Session = {
    ...{ id: randomUUID(), userId: user.id, sessionVersion: user.sessionVersion, ...place },
    ...{ createdAt: now, lastSeenAt: now, expiresAt: undefined, accessTokensUntil: now, endedAt: undefined },
  };
  const { tokens, session, refreshTokenHash } = await issueTokens(transaction, user, begun);
  await sessions.add(session, refreshTokenHash);
  if (before.any && !before.same) mailNewSignIn(transaction, user, session);
  transaction.audit({
    action: 'session.created',
    resource: { id: session.id, name: user.name },
    actor: asUser(user),
  });
  return tokens;
}

/** New tokens for a session, and the session as it then is. Stores nothing. */
export async function issueTokens(
  { now, groups, signer }: Pick<AuthTransaction, 'now' | 'groups' | 'signer'>,
  user: User,
  session: Session,
): Promise<{ tokens: Tokens; session: Session; refreshTokenHash: Buffer }> {
  const lifetimes = lifetimesOf(user, await groups.byNames(user.groups), signer.lifetimes);
  const accessExpiresAt = endOf(now, lifetimes.accessSeconds);
  const refreshExpiresAt = endOf(now, lifetimes.refreshSeconds);
  const refreshToken = newRefreshToken();
  const accessToken = await signer.sign({
    ...{ user, sessionId: session.id, issuedAt: now, expiresAt: accessExpiresAt },
  });
  return {
    tokens: { ...lifetimes, accessToken, accessExpiresAt, refreshToken, refreshExpiresAt },
    session: {
      ...session,
      lastSeenAt: now,
      expiresAt: refreshExpiresAt,
      accessTokensUntil: laterEnd(session.accessTokensUntil, accessExpiresAt),
    },
    refreshTokenHash: hashOfRefreshToken(refreshToken),
  };
}

function mailNewSignIn({ mail }: Transaction, user: User, { device, clientAddress, createdAt }: Session): void {
  if (user.email === null) return;
  mail({
    ...{ template: 'new-sign-in', to: user.email, userId: user.id },
    values: { name: user.name, at: createdAt.toISOString(), from: clientAddress, device },
  });
}
