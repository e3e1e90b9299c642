import { isIP } from 'node:net';
import { DomainError, type FieldError } from '@berth/errors';
import type { ProviderEndpoints, ProviderTerms } from './identity-provider.ts';
import { isPrivateAddress } from './private-address.ts';

const nameForm = /^[a-z][a-z0-9-]{0,39}$/;
const domainForm = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;
const scopeForm = /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/;
const most = 50;
const longest = 1_000;

/** What a provider must be on top of its own form. */
export interface ProviderRules {
  /** Providers may be at private and loopback addresses. */
  readonly onPrivateNetworks: boolean;
}

/** Throws once `invalid` IDENTITY_PROVIDER_INPUT_INVALID, naming every field that is wrong, as the REST API calls them. */
export function checkProvider(name: string, terms: ProviderTerms, rules: ProviderRules): void {
  const errors: FieldError[] = [];
  const wrong = (field: string, message: string) => void errors.push({ field, message });
  if (!nameForm.test(name)) {
    wrong('name', 'must be 1 to 40 lower-case letters, digits and hyphens, with a letter first');
  }
  if (terms.displayName === '' || terms.displayName.length > 100) wrong('display_name', 'must be 1 to 100 characters');
  if (terms.clientId === '' || terms.clientId.length > longest) wrong('client_id', 'must be 1 to 1000 characters');
  checkOrigin(terms, rules, wrong);
  checkLists(terms, wrong);
  checkGroups(terms, wrong);
  if (errors.length > 0) throw invalidProvider(errors);
}

/** A provider whose fields are wrong. */
export const invalidProvider = (fields: readonly FieldError[]): DomainError =>
  new DomainError(
    'invalid',
    'IDENTITY_PROVIDER_INPUT_INVALID',
    fields.map(({ field, message }) => `${field}: ${message}`).join('; '),
    { fields },
  );

type Wrong = (field: string, message: string) => void;

function checkOrigin({ issuer, endpoints, preset }: ProviderTerms, rules: ProviderRules, wrong: Wrong): void {
  if (issuer === null && endpoints === null) wrong('issuer', 'is missing: give it, or the endpoints');
  if (issuer !== null && endpoints !== null) wrong('endpoints', 'cannot be given with an issuer');
  if (issuer !== null) checkAddress('issuer', issuer, rules, wrong);
  if (endpoints === null) return;
  if (preset === 'google') wrong('endpoints', 'cannot be given for google');
  for (const part of ['authorization', 'token', 'userinfo', 'emails'] satisfies (keyof ProviderEndpoints)[]) {
    const address = endpoints[part];
    if (address !== null) checkAddress(`endpoints.${part}`, address, rules, wrong);
  }
  if (endpoints.emails !== null && preset !== 'github') wrong('endpoints.emails', 'is known of github alone');
}

function checkAddress(field: string, text: string, rules: ProviderRules, wrong: Wrong): void {
  const reason = refusalOf(text, rules);
  if (reason !== undefined) wrong(field, reason);
}

function refusalOf(text: string, { onPrivateNetworks }: ProviderRules): string | undefined {
  const url = URL.parse(text);
  if (url === null || text.length > longest || url.username !== '' || url.password !== '' || url.hash !== '') {
    return 'must be an address (https://…) without user, password and fragment';
  }
  if (!isSafeScheme(url)) return 'must begin with https:// (http:// on this machine alone)';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const inside = host === 'localhost' || (isIP(host) !== 0 && isPrivateAddress(host));
  if (!inside || onPrivateNetworks) return undefined;
  return 'is on a private network: BERTH_PROVIDERS_ON_PRIVATE_NETWORKS allows that';
}

const loopbackHosts = ['localhost', '127.0.0.1', '[::1]'];

/** https, or http within this machine. */
export const isSafeScheme = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || (protocol === 'http:' && loopbackHosts.includes(hostname));

function checkLists({ scopes, emailDomains, redirectUris }: ProviderTerms, wrong: Wrong): void {
  if (scopes.length > most) wrong('scopes', `are more than ${most}`);
  for (const [index, scope] of scopes.entries()) if (!scopeForm.test(scope)) wrong(`scopes[${index}]`, 'is no scope');
  if (emailDomains.length > most) wrong('registration.email_domains', `are more than ${most}`);
  for (const [index, domain] of emailDomains.entries()) {
    if (!domainForm.test(domain)) wrong(`registration.email_domains[${index}]`, 'is no domain in lower case');
  }
  if (redirectUris.length === 0 || redirectUris.length > most) wrong('redirect_uris', `must be 1 to ${most}`);
  if (new Set(redirectUris).size < redirectUris.length) wrong('redirect_uris', 'has one twice');
  for (const [index, text] of redirectUris.entries()) {
    if (!isRedirectUri(text)) {
      wrong(`redirect_uris[${index}]`, 'must be https:// (http:// on this machine alone) without query and fragment');
    }
  }
}

/** Without a query, for what the provider adds must be all of it; and written as it is compared. */
function isRedirectUri(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || text.length > longest || /[?#@\\*\s]/.test(text)) return false;
  return isSafeScheme(url) && (url.href === text || url.href === `${text}/`);
}

function checkGroups({ groupClaim, claimGroups }: ProviderTerms, wrong: Wrong): void {
  const values = Object.keys(claimGroups);
  if (groupClaim === null) {
    if (values.length > 0) wrong('groups.claim', 'is missing');
    return;
  }
  if (groupClaim.length > 200) wrong('groups.claim', 'must be at most 200 characters');
  if (values.length === 0 || values.length > 200) wrong('groups.map', 'must have 1 to 200 values');
  if (values.some((value) => value === '' || value.length > 200)) wrong('groups.map', 'has a value that is too long');
}
