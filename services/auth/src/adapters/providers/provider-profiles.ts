import { type Configuration, fetchUserInfo } from 'openid-client';
import { type ProviderProfile, profileOf } from '../../domain/identities/identity.ts';
import { answerRefused } from '../../domain/identities/identity-errors.ts';
import type { IdentityProvider, ProviderEndpoints } from '../../domain/identities/identity-provider.ts';
import { FetchFailed, type guardedFetch } from './guarded-fetch.ts';

type Claims = Readonly<Record<string, unknown>>;
type Fetch = ReturnType<typeof guardedFetch>;

/** The profile of an OpenID provider: what the ID token says, and what it leaves out from the userinfo endpoint. */
export async function openIdProfile(
  configuration: Configuration,
  { groupClaim }: IdentityProvider,
  { accessToken, idToken }: { accessToken: string; idToken: Claims & { readonly sub: string } },
): Promise<ProviderProfile> {
  const missing = idToken['email'] === undefined || (groupClaim !== null && idToken[groupClaim] === undefined);
  const asks = missing && configuration.serverMetadata().userinfo_endpoint !== undefined;
  const more = asks ? await fetchUserInfo(configuration, accessToken, idToken.sub) : {};
  return profileIn({ ...more, ...idToken });
}

/** The profile of a plain OAuth 2 provider, which each gives in its own way. */
export async function plainProfile(
  fetch: Fetch,
  provider: IdentityProvider,
  { endpoints, accessToken }: { endpoints: ProviderEndpoints; accessToken: string },
): Promise<ProviderProfile> {
  const claims = objectOf(await read(fetch, endpoints.userinfo, accessToken));
  switch (provider.preset) {
    case 'github':
      return profileIn({ ...claims, ...(await githubEmail(fetch, endpoints.emails, accessToken)) });
    case 'x':
      return profileIn(objectOf(claims['data'])); // {"data": {"id", "name", "username"}}; X tells no address
    case 'facebook':
      return profileIn({ ...claims, email_verified: false }); // Facebook does not say whether it verified one
    case 'google':
    case 'custom':
      return profileIn(claims);
  }
}

function profileIn(claims: Claims): ProviderProfile {
  const profile = profileOf(claims);
  if (profile === undefined) throw answerRefused('the profile names nobody');
  return profile;
}

/** The primary address, when GitHub verified it. The one in the public profile may be any. */
async function githubEmail(fetch: Fetch, address: string | null, accessToken: string): Promise<Claims> {
  if (address === null) return { email_verified: false };
  const emails = await read(fetch, address, accessToken);
  const list: readonly unknown[] = Array.isArray(emails) ? emails : [];
  const primary = list.map(objectOf).find((one) => one['primary'] === true && one['verified'] === true);
  return primary === undefined ? { email_verified: false } : { email: primary['email'], email_verified: true };
}

async function read(fetch: Fetch, address: string, accessToken: string): Promise<unknown> {
  const headers = { authorization: `Bearer ${accessToken}`, accept: 'application/json' };
  const answer = await fetch(address, { headers });
  if (answer.status >= 500 || answer.status === 429) throw new FetchFailed(`the profile was answered ${answer.status}`);
  if (answer.status !== 200) throw answerRefused(`the profile was answered ${answer.status}`);
  return answer.json().catch(() => {
    throw new FetchFailed('the profile is not JSON');
  });
}

const objectOf = (value: unknown): Claims =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.fromEntries(Object.entries(value)) : {};
