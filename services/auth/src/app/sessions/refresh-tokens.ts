import { DomainError } from '@berth/errors';
import { hashOfRefreshToken } from '../../domain/sessions/refresh-token.ts';
import { isAlive, type Session } from '../../domain/sessions/session.ts';
import { isBanned, type User } from '../../domain/users/user.ts';
import { type Asker, asUser } from '../asker.ts';
import type { AuthTransaction, AuthTransactions } from '../auth-transaction.ts';
import { tellEnded } from './end-sessions.ts';
import { issueTokens, type Tokens } from './open-session.ts';
import type { StoredRefreshToken } from './session-store.ts';

/**
 * New tokens for a refresh token, which then is used up. A second use of it, by whomever, ends the session at once with all its tokens,
 * also those that the first use gave. The same operation may come again: whoever lost the first answer gets another one. Throws
 * `unauthenticated` REFRESH_TOKEN_INVALID or REFRESH_TOKEN_REUSED.
 */
export async function refreshTokens(
  { transactions }: { transactions: AuthTransactions },
  asker: Asker,
  { refreshToken, operationId }: { refreshToken: string; operationId: string },
): Promise<Tokens> {
  const outcome = await transactions.run(asker, (transaction) =>
    refresh(transaction, asker, { hash: hashOfRefreshToken(refreshToken), by: operationId }),
  );
  if (outcome === 'invalid') throw invalid();
  if (outcome === 'reused') throw reused(); // after the commit: the session has to stay ended
  return outcome;
}

async function refresh(
  transaction: AuthTransaction,
  asker: Asker,
  use: { hash: Buffer; by: string },
): Promise<Tokens | 'invalid' | 'reused'> {
  const { sessions, users, now } = transaction;
  const held = await sessions.refreshToken(use.hash);
  const user = held && (await users.byId(held.userId));
  const session = held && (await sessions.byId(held.sessionId));
  const token = await sessions.refreshToken(use.hash); // again, now that nobody else is here
  if (user === undefined || session === undefined || token === undefined) return 'invalid';
  if (!isAlive(session, user, now) || isBanned(user, now) || (token.expiresAt && token.expiresAt <= now))
    return 'invalid';
  if (!(await isUnused(transaction, token, use.by))) {
    await endReused(transaction, asker, user, session);
    return 'reused';
  }
  const place = { clientAddress: asker.clientAddress };
  const issued = await issueTokens(transaction, user, { ...session, ...place });
  await sessions.replaceToken(use, issued.refreshTokenHash, issued.session);
  return issued.tokens;
}

/** A repeat of the operation that used it counts as the same use, as long as nobody has used what that gave. */
async function isUnused({ sessions }: AuthTransaction, token: StoredRefreshToken, by: string): Promise<boolean> {
  if (token.usedBy === undefined) return true;
  if (token.usedBy !== by || by === '') return false;
  const successor = await sessions.successorOf(token.hash);
  if (successor === undefined || successor.usedBy !== undefined) return false;
  await sessions.forgetToken(successor.hash);
  return true;
}

async function endReused(transaction: AuthTransaction, asker: Asker, user: User, session: Session): Promise<void> {
  tellEnded(transaction, await transaction.sessions.end(user.id, { id: session.id }, 'reused'));
  const reason = 'A refresh token was used twice.';
  transaction.publish({
    what: 'session.reused',
    subject: { type: 'session', id: session.id },
    userId: user.id,
    reason,
  });
  transaction.audit({
    action: 'session.reused',
    resource: { id: session.id, name: user.name },
    actor: asUser(user),
  });
  if (user.email === null) return;
  transaction.mail({
    ...{ template: 'tokens-reused', to: user.email, userId: user.id },
    values: { name: user.name, at: transaction.now.toISOString(), from: asker.clientAddress },
  });
}

const invalid = (): DomainError =>
  new DomainError('unauthenticated', 'REFRESH_TOKEN_INVALID', 'This refresh token is not valid. Sign in again.');

const reused = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'REFRESH_TOKEN_REUSED',
    'This refresh token was used before, so its session has ended. Sign in again.',
  );
