import { DomainError } from '@berth/errors';
import { userFact } from '../../domain/access-facts.ts';
import { hashOfRefreshToken } from '../../domain/sessions/refresh-token.ts';
import { knownUntil } from '../../domain/sessions/session.ts';
import { withoutSessions } from '../../domain/users/user.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import type { EndedSession } from './session-store.ts';

/** Tells everybody who lets callers in, for as long as their access tokens would work. */
export function tellEnded({ tell }: Pick<AuthTransaction, 'tell'>, ended: readonly EndedSession[]): void {
  for (const { id, accessTokensUntil } of ended) tell({ kind: 'session', id }, knownUntil(accessTokensUntil));
}

/** Ends the session of a refresh token, also one that was used before. A token of nobody is no failure. */
export async function signOutWithToken(transaction: AuthTransaction, refreshToken: string): Promise<void> {
  const { sessions } = transaction;
  const token = await sessions.refreshToken(hashOfRefreshToken(refreshToken));
  if (token !== undefined) await signOut(transaction, token.userId, token.sessionId);
}

/** Ends a session of a user. One that has ended is no failure. */
export async function signOut(transaction: AuthTransaction, userId: string, sessionId: string): Promise<void> {
  const ended = await transaction.sessions.end(userId, { id: sessionId }, 'signed-out');
  tellEnded(transaction, ended);
  auditEnded(transaction, ended, userId);
}

/** Ends one session of a user. Throws `not_found` SESSION_NOT_FOUND, also for those of others. */
export async function endSession(transaction: AuthTransaction, userId: string, sessionId: string): Promise<void> {
  const ended = await transaction.sessions.end(userId, { id: sessionId }, 'ended');
  if (ended.length === 0) throw new DomainError('not_found', 'SESSION_NOT_FOUND', 'There is no such session.');
  tellEnded(transaction, ended);
  auditEnded(transaction, ended, userId);
}

/** Ends all sessions of a user but one. */
export async function endOtherSessions(transaction: AuthTransaction, userId: string, stays: string): Promise<void> {
  const ended = await transaction.sessions.end(userId, { allBut: stays }, 'ended');
  tellEnded(transaction, ended);
  if (ended.length === 0) return;
  const details = { sessions: ended.map(({ id }) => id) };
  transaction.audit({ action: 'user.signed_out', resource: { id: userId }, details });
}

/** Ends all sessions of a user. Throws `not_found` USER_NOT_FOUND. */
export async function signOutEverywhere(transaction: AuthTransaction, userId: string): Promise<void> {
  const user = await transaction.users.byId(userId);
  if (user === undefined) throw new DomainError('not_found', 'USER_NOT_FOUND', 'There is no such user.');
  const saved = await transaction.users.save(withoutSessions(user));
  transaction.tell(userFact(saved, transaction.now));
  transaction.audit({ action: 'user.signed_out', resource: { id: user.id, name: user.name } });
  transaction.publish({ what: 'user.signed_out', subject: { type: 'user', id: user.id }, userId: user.id });
}

function auditEnded({ audit }: AuthTransaction, ended: readonly EndedSession[], userId: string): void {
  for (const { id } of ended) audit({ action: 'session.ended', resource: { id }, details: { user_id: userId } });
}
