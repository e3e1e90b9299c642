import type { ProviderProfile } from '../../domain/identities/identity.ts';
import type { IdentityProvider } from '../../domain/identities/identity-provider.ts';
import type { AttemptSecrets } from './identity-stores.ts';

/** A provider with the secret by which Berth shows itself there. */
export interface ProviderAccount {
  readonly provider: IdentityProvider;
  readonly clientSecret: string | undefined;
}

/** What a provider answered through the browser. Nothing of it is to be trusted yet. */
export interface ProviderAnswer {
  readonly attempt: string;
  readonly code: string;
  readonly state: string;
  /** Empty: none. */
  readonly iss: string;
}

/** Talks to identity providers. */
export interface ProviderClient {
  /** Where the browser goes. Throws `unavailable` IDENTITY_PROVIDER_UNAVAILABLE. */
  authorizationUrl(account: ProviderAccount, redirectUri: string, secrets: AttemptSecrets): Promise<string>;
  /** Makes the code a profile. Throws as above, and `forbidden` IDENTITY_REFUSED for answers that do not hold. */
  profile(
    account: ProviderAccount,
    answer: ProviderAnswer,
    attempt: { readonly redirectUri: string; readonly secrets: AttemptSecrets },
  ): Promise<ProviderProfile>;
}
