import { type Authenticator, presentedKey } from '@berth/access';
import { SessionService } from '@berth/contracts';
import { isKind } from '@berth/errors';
import type { Static } from 'typebox';
import { invalidRequest } from '../../../domain/field-checks.ts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext, openContext } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { problems } from '../problem-schemas.ts';
import { logoutBody, refreshBody, tokenBody } from './session-schemas.ts';
import { showTokens } from './show-tokens.ts';

/** What the routes need: the service, who lets bearers in, and after how long a command is refused. */
export interface TokenDeps {
  readonly auth: AuthAsk;
  readonly authenticator: Pick<Authenticator, 'principalOf'>;
  readonly commandTimeoutMs: number;
}

const { method } = SessionService;
const open = { open: true } as const;
const tags = ['Sign-in'];
const signedOut = { 204: { description: 'The session has ended.', type: 'null' } };

/** Signing in and out: tokens are given, refreshed and ended. */
export function tokenRoutes(app: App, deps: TokenDeps): void {
  tokenRoute(app, deps);
  refreshRoute(app, deps);
  logoutRoute(app, deps);
  logoutEverywhereRoute(app, deps);
}

function tokenRoute(app: App, { auth, commandTimeoutMs }: TokenDeps): void {
  for (const [url, operationId] of [
    ['/v1/auth/token', 'signIn'],
    ['/v1/auth/jwt', 'signInForJwt'],
  ] as const) {
    const schema = {
      operationId,
      summary: 'Sign in with a password, or refresh',
      description:
        'Answers one refusal (`SIGN_IN_REFUSED`) for an unknown name, a wrong password and a user without one. Also takes a form (`application/x-www-form-urlencoded`), and the refresh tokens of OAuth 2 clients, as `/v1/auth/refresh` does.',
      tags,
      security: [],
      body: tokenBody,
      response: tokenResponses(),
    };
    app.post(url, { schema, config: { ...open, form: true } }, async (request, reply) => {
      const grant = grantIn(request.body);
      const context = openContext(request, new Date(Date.now() + commandTimeoutMs));
      const { tokens } =
        'refreshToken' in grant
          ? await auth.change(method.refreshTokens, { context, ...grant })
          : await auth.change(method.signIn, { context, ...grant });
      return reply.send(showTokens(tokens));
    });
  }
}

/** What tokens are asked for: a password or, as OAuth 2 clients refresh (RFC 6749, 6), a refresh token. Nothing of the other one. */
function grantIn(body: Static<typeof tokenBody>): { login: string; password: string } | { refreshToken: string } {
  const { grant_type = 'password', username, password, refresh_token: refreshToken } = body;
  const given = { username, password, refresh_token: refreshToken };
  const wanted = grant_type === 'password' ? ['username', 'password'] : ['refresh_token'];
  const wrong = Object.entries(given).flatMap(([field, value]) => {
    if (wanted.includes(field)) return value === undefined ? [{ field, message: 'is required' }] : [];
    return value === undefined ? [] : [{ field, message: `does not go with the grant_type ${grant_type}` }];
  });
  if (wrong.length > 0) throw invalidRequest(wrong);
  return grant_type === 'password'
    ? { login: username ?? '', password: password ?? '' }
    : { refreshToken: refreshToken ?? '' };
}

function refreshRoute(app: App, { auth, commandTimeoutMs }: TokenDeps): void {
  const schema = {
    operationId: 'refreshTokens',
    summary: 'Get new tokens for a refresh token',
    description:
      'A refresh token can be used once. A second use ends the session at once, with all tokens that it ever gave: one of the two who used it has stolen it.',
    tags,
    security: [],
    body: refreshBody,
    response: tokenResponses(),
  };
  app.post('/v1/auth/refresh', { schema, config: { ...open, form: true } }, async (request, reply) => {
    const context = openContext(request, new Date(Date.now() + commandTimeoutMs));
    const { tokens } = await auth.change(method.refreshTokens, { context, refreshToken: request.body.refresh_token });
    return reply.send(showTokens(tokens));
  });
}

function logoutRoute(app: App, deps: TokenDeps): void {
  const schema = {
    operationId: 'signOut',
    summary: 'End a session',
    description: 'That of the refresh token in the body, or that of the bearer. One that has ended is no failure.',
    tags,
    security: [{}, { bearer: [] }],
    body: logoutBody,
    response: { ...signedOut, ...problems(400, 413, 415, 422, 429, 500, 503, 504) },
  };
  const config = { ...open, form: true, bodyOptional: true } as const;
  app.post('/v1/auth/logout', { schema, config }, async (request, reply) => {
    const refreshToken = request.body.refresh_token ?? '';
    const principal = refreshToken === '' ? await bearerOf(deps, request) : undefined;
    if (refreshToken !== '' || principal !== undefined) {
      const context = openContext(request, new Date(Date.now() + deps.commandTimeoutMs));
      await deps.auth.change(method.signOut, {
        context: { ...context, ...(principal && { principal }) },
        refreshToken,
      });
    }
    return reply.code(204).send();
  });
}

function logoutEverywhereRoute(app: App, { auth, commandTimeoutMs }: TokenDeps): void {
  const schema = {
    operationId: 'signOutEverywhere',
    summary: 'End all sessions of mine',
    description: 'This one too. API keys go on.',
    tags,
    headers: keyedHeaders,
    body: emptyBody,
    response: {
      204: { description: 'They have ended.', type: 'null' },
      ...problems(400, 401, 403, 409, 413, 415, 422, 429, 500, 503, 504),
    },
  };
  app.post(
    '/v1/auth/logout-everywhere',
    { schema, config: { user: true, bodyOptional: true } },
    async (request, reply) => {
      const context = commandContext(request, new Date(Date.now() + commandTimeoutMs));
      await auth.change(method.signOutEverywhere, { context });
      return reply.code(204).send();
    },
  );
}

const tokenResponses = () =>
  ({ 200: { $ref: 'Tokens#' }, ...problems(400, 401, 403, 413, 415, 422, 429, 500, 503, 504) }) as unknown;

/** Whose bearer it is. One that is not accepted any more has no session to end. */
async function bearerOf({ authenticator }: TokenDeps, { headers, ip }: AnyRequest) {
  try {
    return await authenticator.principalOf(
      presentedKey({ apiKey: headers['x-api-key'], authorization: headers.authorization }),
      ip,
    );
  } catch (error) {
    if (isKind(error, 'unauthenticated')) return undefined;
    throw error;
  }
}
