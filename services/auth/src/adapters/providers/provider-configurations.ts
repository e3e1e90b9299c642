import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import type { ProviderAccount } from '../../app/identities/provider-client.ts';
import type { IdentityProvider, ProviderEndpoints } from '../../domain/identities/identity-provider.ts';
import { isSafeScheme } from '../../domain/identities/provider-terms.ts';
import { FetchFailed, type guardedFetch } from './guarded-fetch.ts';

/** For how long a discovery document is believed. */
const keptMs = 3_600_000;
const timeoutSeconds = 5;

interface Kept {
  readonly version: number;
  readonly until: number;
  readonly configuration: Promise<Configuration>;
}

/** What openid-client needs to know of each provider; discovered once an hour, and anew when an admin changed something. */
export class ProviderConfigurations {
  readonly #fetch: ReturnType<typeof guardedFetch>;
  readonly #kept = new Map<string, Kept>();

  constructor(fetch: ReturnType<typeof guardedFetch>) {
    this.#fetch = fetch;
  }

  of(account: ProviderAccount): Promise<Configuration> {
    const { name, version, createdAt } = account.provider;
    const key = `${name} ${createdAt.getTime()}`; // one of the same name that was made anew is another one
    const kept = this.#kept.get(key);
    if (kept?.version === version && kept.until > Date.now()) return kept.configuration;
    const configuration = this.#configured(account);
    this.#kept.set(key, { version, until: Date.now() + keptMs, configuration });
    configuration.catch(() => this.#kept.delete(key)); // the next one tries again
    return configuration;
  }

  async #configured({ provider, clientSecret }: ProviderAccount): Promise<Configuration> {
    const { issuer, endpoints } = provider;
    const configuration =
      endpoints === null
        ? await this.#discovered(provider, new URL(issuer ?? ''), clientSecret)
        : plainConfiguration(provider, endpoints, clientSecret);
    const { authorization_endpoint: authorization = '' } = configuration.serverMetadata();
    const url = URL.parse(authorization);
    if (url === null || !isSafeScheme(url)) throw new FetchFailed('the authorization endpoint is not https');
    configuration[customFetch] = this.#fetch;
    configuration.timeout = timeoutSeconds;
    allowInsecureRequests(configuration); // what may be fetched is decided by the fetch, address by address
    return configuration;
  }

  async #discovered({ clientId }: IdentityProvider, issuer: URL, clientSecret: string | undefined) {
    const options = { [customFetch]: this.#fetch, timeout: timeoutSeconds, execute: [allowInsecureRequests] };
    const found = await discovery(issuer, clientId, undefined, None(), options);
    const metadata = found.serverMetadata();
    const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic'];
    const posts = !methods.includes('client_secret_basic') && methods.includes('client_secret_post');
    const shown = authentication(clientSecret, posts ? 'post' : 'basic');
    const configuration = new Configuration(metadata, clientId, undefined, shown);
    enableNonRepudiationChecks(configuration); // signatures of ID tokens too, whatever way they came
    return configuration;
  }
}

/** Plain OAuth 2: no issuer, so answers carry none that could be compared. */
function plainConfiguration(
  { clientId, preset }: IdentityProvider,
  { authorization, token }: ProviderEndpoints,
  clientSecret: string | undefined,
): Configuration {
  const metadata = { issuer: authorization, authorization_endpoint: authorization, token_endpoint: token };
  const posts = preset === 'github' || preset === 'facebook';
  return new Configuration(metadata, clientId, undefined, authentication(clientSecret, posts ? 'post' : 'basic'));
}

function authentication(clientSecret: string | undefined, way: 'basic' | 'post'): ClientAuth {
  if (clientSecret === undefined) return None();
  return way === 'post' ? ClientSecretPost(clientSecret) : ClientSecretBasic(clientSecret);
}
