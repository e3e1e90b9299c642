import { randomBytes } from 'node:crypto';
import { DomainError } from '@berth/errors';
import type { ProviderProfile } from '../../domain/identities/identity.ts';
import { attemptInvalid, providerNotFound, redirectNotAllowed } from '../../domain/identities/identity-errors.ts';
import type { Asker } from '../asker.ts';
import type { AuthTransaction, AuthTransactions } from '../auth-transaction.ts';
import type { Attempt, IdentityReader } from './identity-stores.ts';
import type { ProviderAccount, ProviderAnswer, ProviderClient } from './provider-client.ts';

/** How long a person has at the provider, in seconds. */
const attemptSeconds = 600;

export interface AttemptDeps {
  readonly reader: IdentityReader;
  readonly client: ProviderClient;
  readonly transactions: AuthTransactions;
}

/** An attempt that is begun and not kept yet. */
export interface BegunAttempt {
  readonly authorizationUrl: string;
  /** For who began alone. */
  readonly attempt: string;
  keep(transaction: AuthTransaction): Promise<void>;
}

const secret = (): string => randomBytes(32).toString('base64url');

/** Begins a sign-in, or a link for `userId`. May ask the provider, so it is not to be called within a transaction. */
export async function beginAttempt(
  deps: AttemptDeps,
  { provider: name, redirectUri, userId }: { provider: string; redirectUri: string; userId: string | null },
): Promise<BegunAttempt> {
  const account = await usableProvider(deps, name);
  if (!account.provider.redirectUris.includes(redirectUri)) throw redirectNotAllowed();
  const secrets = { state: secret(), nonce: secret(), verifier: secret() };
  const attempt = secret();
  return {
    authorizationUrl: await deps.client.authorizationUrl(account, redirectUri, secrets),
    attempt,
    keep: (transaction) =>
      transaction.identities.addAttempt(attempt, {
        ...{ provider: name, userId, redirectUri, secrets },
        expiresAt: new Date(transaction.now.getTime() + attemptSeconds * 1_000),
      }),
  };
}

/**
 * Takes the attempt, in a transaction of its own, so that nobody else can use it whatever happens next, and asks the provider who it is.
 * Throws `forbidden` IDENTITY_ATTEMPT_INVALID or IDENTITY_REFUSED, `unavailable` IDENTITY_PROVIDER_UNAVAILABLE.
 */
export async function answeredProfile(
  deps: AttemptDeps,
  asker: Asker,
  { provider: name, answer, userId }: { provider: string; answer: ProviderAnswer; userId: string | null },
): Promise<ProviderProfile> {
  const attempt = await deps.transactions.run(asker, async ({ identities, now }) => {
    const taken = await identities.takeAttempt(answer.attempt);
    return taken && taken.expiresAt > now ? taken : undefined;
  });
  if (attempt === undefined || !isOf(attempt, name, userId)) throw attemptInvalid();
  const account = await usableProvider(deps, name);
  return deps.client.profile(account, answer, attempt);
}

/** Notes in the audit log that an attempt failed. Answers without an attempt are not noted: anybody can send them, as many as they like. */
export async function noteRefusal<T>(
  { transactions }: Pick<AttemptDeps, 'transactions'>,
  asker: Asker,
  { provider, work }: { readonly provider: string; readonly work: () => Promise<T> },
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const noted = error instanceof DomainError && ['forbidden', 'conflict', 'unavailable'].includes(error.kind);
    if (noted && error.code !== 'IDENTITY_ATTEMPT_INVALID') {
      const resource = { id: provider, name: provider };
      await transactions.run(asker, async ({ audit }) =>
        audit({ action: 'identity_provider.sign_in_refused', resource, result: error.code }),
      );
    }
    throw error;
  }
}

/** The answer of one provider is never taken for that of another, nor one's own for somebody else's. */
const isOf = ({ provider, userId }: Attempt, name: string, wanted: string | null): boolean =>
  provider === name && userId === wanted;

async function usableProvider({ reader }: AttemptDeps, name: string): Promise<ProviderAccount> {
  const account = await reader.provider(name);
  if (account?.provider.enabled !== true) throw providerNotFound();
  return account;
}
