import { isDeepStrictEqual } from 'node:util';
import { type Principal, requireEverywhere } from '@berth/contracts';
import { assertVersion } from '../../domain/errors.ts';
import { providerInUse, providerNotFound } from '../../domain/identities/identity-errors.ts';
import type { IdentityProvider, ProviderTerms } from '../../domain/identities/identity-provider.ts';
import { checkProvider, invalidProvider, type ProviderRules } from '../../domain/identities/provider-terms.ts';
import { assertHolds } from '../../domain/users/handed-out.ts';
import type { Asker } from '../asker.ts';
import { auditedProvider } from '../audited-states.ts';
import type { AuthTransaction } from '../auth-transaction.ts';

/** What an admin may change of a provider. */
export type ProviderChanges = Partial<Omit<ProviderTerms, 'preset' | 'issuer' | 'endpoints'>> & {
  /** Empty: none. */
  readonly clientSecret?: string;
};

/** Makes a provider known. Throws `invalid` IDENTITY_PROVIDER_INPUT_INVALID, `conflict` IDENTITY_PROVIDER_EXISTS. */
export async function createIdentityProvider(
  transaction: AuthTransaction,
  asker: Asker,
  {
    name,
    terms,
    clientSecret,
    rules,
  }: { name: string; terms: ProviderTerms; clientSecret: string; rules: ProviderRules },
): Promise<IdentityProvider> {
  checkProvider(name, terms, rules);
  await checkGroups(transaction, asker.principal, terms, {});
  await transaction.alone('identities'); // two providers may want each other's redirect URIs
  const provider = await transaction.identityProviders.add(name, terms, clientSecret);
  transaction.audit({
    action: 'identity_provider.created',
    resource: resourceOf(name),
    after: auditedProvider(provider),
  });
  publishChange(transaction, 'created', name);
  return provider;
}

/** Changes a provider. Throws `not_found`, `precondition_failed` VERSION_MISMATCH, and as above. `ifVersion` 0: whatever it is. */
export async function changeIdentityProvider(
  transaction: AuthTransaction,
  asker: Asker,
  {
    name,
    changes: { clientSecret, ...changes },
    ifVersion,
    rules,
  }: { name: string; changes: ProviderChanges; ifVersion: bigint; rules: ProviderRules },
): Promise<IdentityProvider> {
  await transaction.alone('identities');
  const before = await lockedProvider(transaction, name, ifVersion);
  const terms = { ...before, ...changes };
  checkProvider(name, terms, rules);
  await checkGroups(transaction, asker.principal, terms, before.claimGroups);
  if (clientSecret === undefined && isDeepStrictEqual(terms, before)) return before;
  const after = await transaction.identityProviders.change(name, terms, clientSecret);
  transaction.audit({
    action: 'identity_provider.changed',
    resource: resourceOf(name),
    before: auditedProvider(before),
    after: auditedProvider(after),
    details: { client_secret_changed: clientSecret !== undefined },
  });
  publishChange(transaction, 'changed', name);
  return after;
}

/** Removes a provider and its identities. Throws `conflict` IDENTITY_PROVIDER_IN_USE when that shuts somebody out. */
export async function removeIdentityProvider(
  transaction: AuthTransaction,
  { name, ifVersion }: { name: string; ifVersion: bigint },
): Promise<void> {
  await transaction.alone('identities');
  const provider = await lockedProvider(transaction, name, ifVersion);
  const shutOut = await transaction.identityProviders.usersWithNothingElse(name);
  if (shutOut > 0) throw providerInUse(shutOut);
  await transaction.identityProviders.remove(name);
  transaction.audit({
    action: 'identity_provider.deleted',
    resource: resourceOf(name),
    before: auditedProvider(provider),
  });
  publishChange(transaction, 'deleted', name);
}

const publishChange = ({ publish }: AuthTransaction, what: 'created' | 'changed' | 'deleted', name: string): void =>
  publish({ what: `identity_provider.${what}`, subject: { type: 'identity_provider', id: name } });

async function lockedProvider(
  { identityProviders }: AuthTransaction,
  name: string,
  ifVersion: bigint,
): Promise<IdentityProvider> {
  const provider = await identityProviders.forChange(name);
  if (provider === undefined) throw providerNotFound();
  assertVersion(ifVersion, provider.version);
  return provider;
}

/**
 * Who gives groups by a claim gives groups: that needs the permission for it, and all that the groups give, lest an admin of providers make
 * itself an admin of all.
 */
async function checkGroups(
  transaction: AuthTransaction,
  principal: Principal | undefined,
  { claimGroups, groupClaim }: ProviderTerms,
  before: ProviderTerms['claimGroups'],
): Promise<void> {
  if (groupClaim === null && Object.keys(before).length === 0) return;
  requireEverywhere(principal, 'groups:admin');
  const wanted = [...new Set(Object.values(claimGroups))];
  const known = await transaction.groups.byNames(wanted);
  // Also those before: whoever has them by this provider would lose them.
  assertHolds(principal, [...known, ...(await transaction.groups.byNames(Object.values(before)))]);
  const missing = wanted.find((name) => !known.some((group) => group.name === name));
  if (missing !== undefined) {
    throw invalidProvider([{ field: 'groups.map', message: `names the group ${missing}, which there is not` }]);
  }
}

const resourceOf = (name: string) => ({ id: name, name });
