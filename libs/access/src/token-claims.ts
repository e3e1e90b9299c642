import { DomainError } from '@berth/errors';

/** What an access token says. */
export interface TokenClaims {
  readonly userId: string;
  /** Of the user, for people. */
  readonly name: string;
  readonly sessionId: string;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
  readonly groups: readonly string[];
  readonly permissionsVersion: number;
  readonly sessionVersion: number;
}

/** The claims of a token whose signature, issuer and audience were checked. Throws `unauthenticated` TOKEN_INVALID. */
export function tokenClaimsOf(payload: Readonly<Record<string, unknown>>): TokenClaims {
  const { sub, sid, name, exp, groups, pv, sv } = payload;
  if (!isText(sub) || !isText(sid) || !isText(name)) throw malformed();
  if (!isWhole(pv) || !isWhole(sv) || !Array.isArray(groups) || !groups.every(isText)) throw malformed();
  return {
    ...{ userId: sub, name, sessionId: sid, groups, permissionsVersion: pv, sessionVersion: sv },
    expiresAtMs: typeof exp === 'number' ? exp * 1_000 : undefined,
  };
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isWhole = (value: unknown): value is number => Number.isSafeInteger(value);

const malformed = () => new DomainError('unauthenticated', 'TOKEN_INVALID', 'This access token is not valid.');
