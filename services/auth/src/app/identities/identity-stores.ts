import type { Identity } from '../../domain/identities/identity.ts';
import type { IdentityProvider, ProviderTerms } from '../../domain/identities/identity-provider.ts';

/** Identity providers, within a transaction. */
export interface IdentityProviderStore {
  /** Locked against changes and removal until the transaction ends, not against others who use it. */
  inUse(name: string): Promise<IdentityProvider | undefined>;
  /** Locked against everybody. */
  forChange(name: string): Promise<IdentityProvider | undefined>;
  /** Throws `conflict` IDENTITY_PROVIDER_EXISTS or IDENTITY_REDIRECT_TAKEN. An empty secret: none. */
  add(name: string, terms: ProviderTerms, clientSecret: string): Promise<IdentityProvider>;
  /** Throws `conflict` IDENTITY_REDIRECT_TAKEN. `clientSecret` undefined: as it is; empty: none. */
  change(name: string, terms: ProviderTerms, clientSecret: string | undefined): Promise<IdentityProvider>;
  /** With its identities. */
  remove(name: string): Promise<void>;
  /** How many users could not sign in any more without it. Call `alone('identities')` before. */
  usersWithNothingElse(name: string): Promise<number>;
}

/** What a browser was sent to a provider with. Secrets. */
export interface AttemptSecrets {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** A sign-in, or a link, that waits for a provider's answer. */
export interface Attempt {
  readonly provider: string;
  /** Who links an identity; null: a sign-in. */
  readonly userId: string | null;
  readonly redirectUri: string;
  readonly expiresAt: Date;
  readonly secrets: AttemptSecrets;
}

/** Identities and attempts, within a transaction. */
export interface IdentityStore {
  /** Not locked: whoever makes or takes away an identity has locked its user. */
  bySubject(provider: string, subject: string): Promise<Identity | undefined>;
  /** In the order in which they were linked. */
  ofUser(userId: string): Promise<readonly Identity[]>;
  add(identity: Pick<Identity, 'provider' | 'subject' | 'userId' | 'label'>): Promise<Identity>;
  /** Somebody signed in with it at `at`. */
  used(id: string, label: string, at: Date): Promise<void>;
  remove(id: string): Promise<void>;
  /** How many other ways of signing in with a provider the user has. Call `alone('identities')` before. */
  otherWays(userId: string, id: string): Promise<number>;
  /** The first name that no user has. */
  freeName(candidates: readonly string[]): Promise<string | undefined>;
  addAttempt(secret: string, attempt: Attempt): Promise<void>;
  /** Gives an attempt to one asker alone, whatever becomes of it. */
  takeAttempt(secret: string): Promise<Attempt | undefined>;
}

/** What is read outside of transactions. */
export interface IdentityReader {
  provider(name: string): Promise<{ provider: IdentityProvider; clientSecret: string | undefined } | undefined>;
  providers(): Promise<readonly IdentityProvider[]>;
  identitiesOf(userId: string): Promise<readonly (Identity & { readonly providerDisplayName: string })[]>;
}
