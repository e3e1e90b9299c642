import { createHash } from 'node:crypto';
import { grantsOf, type Principal, PrincipalSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { create } from '@bufbuild/protobuf';
import { type CryptoKey, decodeJwt, decodeProtectedHeader, errors, importJWK, jwtVerify } from 'jose';
import type { AccessState } from './access-state.ts';
import { NewKeys } from './new-keys.ts';
import { type TokenClaims, tokenClaimsOf } from './token-claims.ts';

/** Whose tokens are accepted. */
export interface TokenTerms {
  /** The `iss` of tokens. */
  readonly issuer: string;
  /** The `aud` of tokens. */
  readonly audience: string;
}

interface Verified {
  readonly keyId: string;
  readonly claims: TokenClaims;
  principal: Principal | undefined;
  /** Of the state that the principal was made of. */
  version: number;
}

const mostTokens = 10_000;
const algorithm = 'EdDSA';
/** RFC 9068: no other JWT of ours, or of anybody who signs with the same key, passes for an access token. */
const tokenType = 'at+jwt';

/**
 * Who shows an access token. Signatures are checked here, once for each token, with keys that are known already; whether it was revoked is
 * looked up at every use. Nobody is asked.
 */
export class TokenVerifier {
  readonly #state: AccessState;
  readonly #isCurrent: () => boolean;
  readonly #terms: TokenTerms;
  readonly #newKeys: NewKeys;
  readonly #verified = new Map<string, Verified>();
  readonly #keys = new Map<string, { jwk: string; key: Promise<CryptoKey | Uint8Array> }>();

  /** `keyWaitMs`: how long a token of a key that we have not heard of yet may wait for it. */
  constructor(deps: { state: AccessState; isCurrent: () => boolean; terms: TokenTerms; keyWaitMs?: number }) {
    this.#state = deps.state;
    this.#newKeys = new NewKeys(deps.state, deps.keyWaitMs);
    this.#isCurrent = deps.isCurrent;
    this.#terms = deps.terms;
  }

  /**
   * Throws `unauthenticated` TOKEN_INVALID, TOKEN_EXPIRED or TOKEN_REVOKED, and `unavailable` ACCESS_STATE_STALE while revocations cannot
   * be seen: a token is never accepted on a guess.
   */
  async principalOf(token: string): Promise<Principal> {
    this.#assertCurrent();
    const digest = digestOf(token);
    const known = this.#touch(digest);
    if (known !== undefined) return this.#admit(known);
    const verified = await this.#verify(token);
    this.#keep(digest, verified);
    this.#assertCurrent(); // time has passed
    return this.#admit(verified);
  }

  /** Whether its signature was checked before. */
  knows(token: string): boolean {
    return this.#verified.has(digestOf(token));
  }

  #admit(verified: Verified): Principal {
    const { claims, keyId } = verified;
    const user = this.#state.user(claims.userId);
    if (claims.expiresAtMs !== undefined && claims.expiresAtMs <= Date.now()) throw expired();
    if (this.#state.signingKey(keyId) === undefined || this.#state.hasEnded(claims.sessionId)) throw revoked();
    if (user?.refused || claims.sessionVersion < (user?.oldestSessionVersion ?? 0)) throw revoked();
    if (verified.principal === undefined || verified.version !== this.#state.version) {
      verified.version = this.#state.version;
      const newer = user !== undefined && user.permissionsVersion > claims.permissionsVersion;
      verified.principal = this.#principalOf(claims, newer ? user.groups : claims.groups);
    }
    return verified.principal;
  }

  #principalOf({ userId, name, sessionId }: TokenClaims, groups: readonly string[]): Principal {
    const policies = groups.flatMap((group) => this.#state.group(group) ?? []);
    const { permissions, group, grants } = grantsOf(policies);
    return create(PrincipalSchema, {
      ...{ id: userId, kind: 'user', name, userId, sessionId, group },
      permissions: [...permissions],
      groups: [...groups],
      grants: grants.map((grant) => ({ group: grant.group, permissions: [...grant.permissions] })),
    });
  }

  async #verify(token: string): Promise<Verified> {
    try {
      const { kid } = decodeProtectedHeader(token);
      if (kid === undefined) throw invalid();
      if (this.#state.signingKey(kid) === undefined) await this.#newKeys.arrival(kid, decodeJwt(token).iat);
      const key = await this.#keyOf(kid);
      const { payload } = await jwtVerify(token, key, { ...this.#terms, algorithms: [algorithm], typ: tokenType });
      return { keyId: kid, claims: tokenClaimsOf(payload), principal: undefined, version: -1 };
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw expired();
      throw error instanceof DomainError ? error : invalid(error);
    }
  }

  #keyOf(id: string): Promise<CryptoKey | Uint8Array> {
    const jwk = this.#state.signingKey(id)?.publicJwk;
    if (jwk === undefined) throw invalid();
    const known = this.#keys.get(id);
    if (known?.jwk === jwk) return known.key;
    const key = importJWK(JSON.parse(jwk), algorithm);
    this.#keys.set(id, { jwk, key }); // as few as auth ever had since this process began
    return key;
  }

  #assertCurrent(): void {
    if (!this.#isCurrent()) throw stale();
  }

  /** One that is used moves to the end, so that the least used one leaves first. */
  #touch(digest: string): Verified | undefined {
    const known = this.#verified.get(digest);
    if (known === undefined) return undefined;
    this.#verified.delete(digest);
    this.#verified.set(digest, known);
    return known;
  }

  #keep(digest: string, verified: Verified): void {
    const oldest = this.#verified.keys().next();
    if (this.#verified.size >= mostTokens && !oldest.done) this.#verified.delete(oldest.value);
    this.#verified.set(digest, verified);
  }
}

const digestOf = (token: string): string => createHash('sha256').update(token).digest('base64');

const invalid = (cause?: unknown): DomainError =>
  new DomainError('unauthenticated', 'TOKEN_INVALID', 'This access token is not valid.', {}, { cause });

const expired = (): DomainError =>
  new DomainError('unauthenticated', 'TOKEN_EXPIRED', 'This access token has expired. Refresh it.');

const revoked = (): DomainError =>
  new DomainError('unauthenticated', 'TOKEN_REVOKED', 'This access token was revoked. Sign in again.');

const stale = (): DomainError =>
  new DomainError(
    'unavailable',
    'ACCESS_STATE_STALE',
    'Whether access tokens were revoked cannot be seen at the moment, so none is accepted. API keys are not concerned.',
    { retryAfterSeconds: 1 },
  );
