import { DomainError } from '@berth/errors';
import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientError,
  type Configuration,
  calculatePKCECodeChallenge,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import type { AttemptSecrets } from '../../app/identities/identity-stores.ts';
import type { ProviderAccount, ProviderAnswer, ProviderClient } from '../../app/identities/provider-client.ts';
import type { ProviderProfile } from '../../domain/identities/identity.ts';
import { answerRefused, providerAway } from '../../domain/identities/identity-errors.ts';
import { FetchFailed, guardedFetch } from './guarded-fetch.ts';
import { ProviderConfigurations } from './provider-configurations.ts';
import { openIdProfile, plainProfile } from './provider-profiles.ts';

const timeoutMs = 4_000;

/** Talks OpenID Connect and OAuth 2 with providers: code, PKCE, state, nonce, and every check of the ID token. */
export function oauthClient(rules: { readonly onPrivateNetworks: boolean }): ProviderClient {
  const fetch = guardedFetch({ ...rules, timeoutMs });
  const configurations = new ProviderConfigurations(fetch);
  return {
    authorizationUrl: (account, redirectUri, secrets) =>
      translated(async () => urlOf(await configurations.of(account), account, { redirectUri, secrets })),
    profile: (account, answer, attempt) =>
      translated(async () => {
        const configuration = await configurations.of(account);
        return profileFor(configuration, fetch, { account, answer, attempt });
      }),
  };
}

async function urlOf(
  configuration: Configuration,
  { provider }: ProviderAccount,
  { redirectUri, secrets }: { redirectUri: string; secrets: AttemptSecrets },
): Promise<string> {
  const url = buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope: provider.scopes.join(' '),
    state: secrets.state,
    code_challenge: await calculatePKCECodeChallenge(secrets.verifier),
    code_challenge_method: 'S256',
    ...(provider.issuer !== null && { nonce: secrets.nonce }),
  });
  return url.href;
}

interface Answered {
  readonly account: ProviderAccount;
  readonly answer: ProviderAnswer;
  readonly attempt: { readonly redirectUri: string; readonly secrets: AttemptSecrets };
}

async function profileFor(
  configuration: Configuration,
  fetch: ReturnType<typeof guardedFetch>,
  { account: { provider }, answer, attempt: { redirectUri, secrets } }: Answered,
): Promise<ProviderProfile> {
  const isOpenId = provider.endpoints === null;
  const url = new URL(redirectUri);
  url.searchParams.set('code', answer.code);
  url.searchParams.set('state', answer.state);
  if (isOpenId && answer.iss !== '') url.searchParams.set('iss', answer.iss);
  const tokens = await authorizationCodeGrant(configuration, url, {
    pkceCodeVerifier: secrets.verifier,
    expectedState: secrets.state,
    ...(isOpenId && { expectedNonce: secrets.nonce, idTokenExpected: true }),
  });
  const accessToken = tokens.access_token;
  if (provider.endpoints !== null) {
    return plainProfile(fetch, provider, { endpoints: provider.endpoints, accessToken });
  }
  const idToken = tokens.claims();
  if (idToken === undefined) throw answerRefused('there is no ID token');
  return openIdProfile(configuration, provider, { accessToken, idToken });
}

/**
 * What went wrong, as one of ours. Causes are left behind: they quote tokens. Silence and a server's failure are the provider's; everything
 * else is an answer that does not hold.
 */
async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DomainError) throw error;
    throw failureOf(error);
  }
}

function failureOf(error: unknown): DomainError {
  if (error instanceof FetchFailed) return providerAway(error.message);
  if (error instanceof ResponseBodyError && error.status < 500) return answerRefused(codeOf(error.error));
  if (error instanceof AuthorizationResponseError) return answerRefused(codeOf(error.error));
  if (error instanceof ResponseBodyError) return providerAway(`the token endpoint answered ${error.status}`);
  if (error instanceof WWWAuthenticateChallengeError) return answerRefused(`it wants more (${error.status})`);
  if (error instanceof ClientError) return clientFailure(error);
  return answerRefused(error instanceof Error ? error.name : 'unknown');
}

function clientFailure({ code, cause, message }: ClientError): DomainError {
  if (cause instanceof FetchFailed) return providerAway(cause.message);
  const why = `${message} (${code ?? 'no code'})`;
  const away = ['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'];
  return away.includes(code ?? '') ? providerAway(why) : answerRefused(why);
}

/** The provider's word for its refusal: `invalid_grant`, for example. Never its text. */
const codeOf = (error: string): string => (/^[a-z_]{1,50}$/.test(error) ? error : 'an error');
