import { IdentityService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { AdministrationDeps } from '../administration.ts';
import { openContext } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { type ProblemStatus, problems } from '../problem-schemas.ts';
import { showTokens } from '../sessions/show-tokens.ts';
import { providerParams, signInAnswerBody, startSignInBody } from './identity-schemas.ts';

const { method } = IdentityService;
const path = '/v1/auth/providers';
const config = { open: true } as const;
const tags = ['Sign-in'];
/** For a person to come back from the provider; auth holds it. */
export const attemptSeconds = 600;

const responses = (answer: object, ...more: ProblemStatus[]) =>
  ({ 200: answer, ...problems(429, 500, 503, ...more) }) as unknown;

/** Signing in with an identity provider. Nobody is signed in yet, so these routes are open. */
export function signInProviderRoutes(app: App, { auth, commandTimeoutMs }: AdministrationDeps): void {
  const deadline = () => new Date(Date.now() + commandTimeoutMs);

  const list = {
    operationId: 'listSignInProviders',
    summary: 'List what a sign-in page offers',
    tags,
    security: [],
    response: responses({ $ref: 'SignInProviderList#' }),
  };
  app.get(path, { schema: list, config }, async (_request, reply) => {
    const { providers } = await auth.read(method.listSignInProviders, {});
    const items = providers.map(({ name, displayName, preset }) => ({ name, display_name: displayName, preset }));
    return reply.send({ items });
  });

  const start = {
    operationId: 'startSignIn',
    summary: 'Begin to sign in with a provider',
    description: 'Send the browser to `authorization_url`, and keep `attempt` for the answer.',
    tags,
    security: [],
    params: providerParams,
    body: startSignInBody,
    response: responses({ $ref: 'StartedSignIn#' }, 400, 403, 404, 413, 415, 422, 504),
  };
  app.post(`${path}/:provider/start`, { schema: start, config }, async (request, reply) => {
    const context = openContext(request, deadline());
    const { provider } = request.params;
    const question = { context, provider, redirectUri: request.body.redirect_uri };
    const { authorizationUrl, attempt } = await auth.change(method.startSignIn, question);
    return reply.send({ authorization_url: authorizationUrl, attempt, expires_in: attemptSeconds });
  });

  const finish = {
    operationId: 'finishSignIn',
    summary: 'Sign in with a provider’s answer',
    description: 'Each attempt and each code works once, whatever comes of it.',
    tags,
    security: [],
    params: providerParams,
    body: signInAnswerBody,
    response: responses({ $ref: 'Tokens#' }, 400, 403, 404, 409, 413, 415, 422, 504),
  };
  app.post(`${path}/:provider/callback`, { schema: finish, config }, async (request, reply) => {
    const context = openContext(request, deadline());
    const question = { context, provider: request.params.provider, answer: request.body };
    const { tokens } = await auth.change(method.finishSignIn, question);
    if (tokens === undefined) throw answeredBefore();
    return reply.send(showTokens(tokens));
  });
}

/** Only the first answer has tokens: whoever lost it begins again. */
const answeredBefore = () =>
  new DomainError('forbidden', 'IDENTITY_ATTEMPT_INVALID', 'This sign-in was answered before: begin again.');
