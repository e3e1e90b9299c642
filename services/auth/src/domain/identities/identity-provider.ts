/** The providers whose addresses Berth knows, and `custom` for any other. */
export const providerPresets = ['google', 'github', 'facebook', 'x', 'custom'] as const;
export type ProviderPreset = (typeof providerPresets)[number];

/** Addresses of a plain OAuth 2 provider. */
export interface ProviderEndpoints {
  readonly authorization: string;
  readonly token: string;
  readonly userinfo: string;
  /** Where e-mail addresses are read; of GitHub alone. */
  readonly emails: string | null;
}

/** What an admin says of an identity provider, apart from its client secret. */
export interface ProviderTerms {
  readonly displayName: string;
  readonly preset: ProviderPreset;
  /** Of an OpenID provider; null: plain OAuth 2 with `endpoints`. */
  readonly issuer: string | null;
  readonly endpoints: ProviderEndpoints | null;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Who is not known yet gets an account. */
  readonly newUsers: boolean;
  /** New users need a verified e-mail address in one of these; empty: any, or none at all. */
  readonly emailDomains: readonly string[];
  /** The claim whose values name groups; null: none. */
  readonly groupClaim: string | null;
  /** Value of the claim → group. */
  readonly claimGroups: Readonly<Record<string, string>>;
  /** Compared letter by letter; no two providers share one. */
  readonly redirectUris: readonly string[];
  readonly enabled: boolean;
}

/** An identity provider as it is kept. Preset, issuer and endpoints never change: they say whose word its identities are. */
export interface IdentityProvider extends ProviderTerms {
  readonly name: string;
  readonly hasClientSecret: boolean;
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

interface Preset {
  readonly issuer: string | null;
  readonly endpoints: ProviderEndpoints | null;
  readonly scopes: readonly string[];
}

/** What is known of each preset. An own server (GitHub Enterprise) is given by its endpoints. */
export const presetTerms: Readonly<Record<ProviderPreset, Preset>> = {
  google: { issuer: 'https://accounts.google.com', endpoints: null, scopes: ['openid', 'email', 'profile'] },
  github: {
    issuer: null,
    endpoints: {
      authorization: 'https://github.com/login/oauth/authorize',
      token: 'https://github.com/login/oauth/access_token',
      userinfo: 'https://api.github.com/user',
      emails: 'https://api.github.com/user/emails',
    },
    scopes: ['read:user', 'user:email'],
  },
  facebook: {
    issuer: null,
    endpoints: {
      authorization: 'https://www.facebook.com/v23.0/dialog/oauth',
      token: 'https://graph.facebook.com/v23.0/oauth/access_token',
      userinfo: 'https://graph.facebook.com/v23.0/me?fields=id,name',
      emails: null,
    },
    scopes: ['public_profile'],
  },
  x: {
    issuer: null,
    endpoints: {
      authorization: 'https://x.com/i/oauth2/authorize',
      token: 'https://api.x.com/2/oauth2/token',
      userinfo: 'https://api.x.com/2/users/me',
      emails: null,
    },
    scopes: ['users.read', 'tweet.read'],
  },
  custom: { issuer: null, endpoints: null, scopes: ['openid', 'email', 'profile'] },
};

/** The groups that a claim's value or values stand for. */
export function groupsOfClaim(provider: ProviderTerms, claims: Readonly<Record<string, unknown>>): readonly string[] {
  const { groupClaim, claimGroups } = provider;
  const claim = groupClaim === null ? [] : (claims[groupClaim] ?? []);
  const values: readonly unknown[] = Array.isArray(claim) ? claim : [claim];
  const known = new Map(Object.entries(claimGroups));
  return [...new Set(values.flatMap((value) => (typeof value === 'string' ? (known.get(value) ?? []) : [])))];
}

/** Groups with those that the provider maps replaced by what it grants now; all others stay, and the order with them. */
export function withMappedGroups(
  groups: readonly string[],
  { claimGroups }: Pick<ProviderTerms, 'claimGroups'>,
  granted: readonly string[],
): readonly string[] {
  const mapped = new Set(Object.values(claimGroups));
  const kept = groups.filter((group) => !mapped.has(group) || granted.includes(group));
  return [...new Set([...kept, ...granted])];
}
