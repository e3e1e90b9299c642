import { SessionService } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import type { PasswordHasher } from '../../../app/accounts/password-hasher.ts';
import type { Asker } from '../../../app/asker.ts';
import {
  endOtherSessions,
  endSession,
  signOut,
  signOutEverywhere,
  signOutWithToken,
} from '../../../app/sessions/end-sessions.ts';
import { refreshTokens } from '../../../app/sessions/refresh-tokens.ts';
import { signIn } from '../../../app/sessions/sign-in.ts';
import type { SignInThrottle } from '../../../app/sessions/sign-in-throttle.ts';
import { administeredUser } from '../../../app/users/administered-user.ts';
import { userNotFound } from '../../../domain/errors.ts';
import { isUuid } from '../../../domain/uuid.ts';
import { accountReader } from '../../postgres/accounts/account-reader.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { sessionsOf } from '../../postgres/sessions/read-sessions.ts';
import { userWithId } from '../../postgres/users/user-directory.ts';
import { askerOf, assertAccess, serveCommand } from '../serve-command.ts';
import { sessionMessage, tokensMessage } from './session-messages.ts';

interface Deps {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
  readonly passwords: PasswordHasher;
  readonly throttle: SignInThrottle;
}

const { method } = SessionService;

/** Answers SessionService. Gives back its stop, which waits for what is in work. */
export function serveSessions(deps: Deps): () => Promise<void> {
  const stops = [...serveTokens(deps), ...serveEnds(deps)];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/**
 * Without the memory of answers that other commands have: an answer that is all secret cannot be kept. Signing in twice makes two sessions, and
 * refreshing knows a repeat by itself.
 */
const serveTokens = (deps: Deps) => [
  serve(deps.bus, method.signIn, async ({ context, login, password }) => {
    const reading = { ...deps, accounts: accountReader(deps.database) };
    const tokens = await signIn(reading, askerOf(context), { login, password });
    return { tokens: tokensMessage(tokens) };
  }),
  serve(deps.bus, method.refreshTokens, async ({ context, refreshToken }) => {
    const operationId = context?.operationId ?? '';
    const tokens = await refreshTokens(deps, askerOf(context), { refreshToken, operationId });
    return { tokens: tokensMessage(tokens) };
  }),
  serve(deps.bus, method.listSessions, async ({ principal, userId }) => {
    assertAccess(principal, userId === '' ? 'user' : { verb: 'users:admin' });
    if (userId !== '' && (await userWithId(deps.database, userId)) === undefined) throw userNotFound();
    const sessions = await sessionsOf(deps.database, userId || (principal?.userId ?? ''));
    return { sessions: sessions.map(sessionMessage) };
  }),
];

const serveEnds = (deps: Deps) => [
  serveCommand(deps, method.signOut, { access: 'anybody' }, ({ refreshToken }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const { userId, sessionId } = userOf(asker);
      if (refreshToken !== '') await signOutWithToken(transaction, refreshToken);
      else if (isUuid(sessionId)) await signOut(transaction, userId, sessionId);
      return {};
    }),
  ),
  serveCommand(deps, method.signOutEverywhere, { access: 'anybody' }, ({ userId }, asker, inTransaction) => {
    assertAccess(asker.principal, userId === '' ? 'user' : { verb: 'users:admin' });
    return inTransaction(async (transaction) => {
      if (userId !== '') await administeredUser(transaction, asker, { id: userId, ifVersion: 0n });
      await signOutEverywhere(transaction, userId || userOf(asker).userId);
      return {};
    });
  }),
  serveCommand(deps, method.endSessions, { access: 'user' }, ({ id }, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const { userId, sessionId } = userOf(asker);
      if (id === '') await endOtherSessions(transaction, userId, isUuid(sessionId) ? sessionId : nobodys);
      else await endSession(transaction, userId, isUuid(id) ? id : nobodys);
      return {};
    }),
  ),
];

const nobodys = '00000000-0000-0000-0000-000000000000';

const userOf = ({ principal }: Asker) => ({
  userId: principal?.userId ?? '',
  sessionId: principal?.sessionId ?? '',
});
