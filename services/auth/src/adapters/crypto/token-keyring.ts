import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { Vault } from '@berth/vault';
import { type CryptoKey, importJWK, SignJWT } from 'jose';
import type { AccessTokenSubject, TokenSigner } from '../../app/sessions/token-signer.ts';
import type { TokenLifetimes } from '../../domain/sessions/session.ts';
import { keyBinding } from '../postgres/sessions/signing-key-rows.ts';

const secondsOf = (date: Date): number => Math.floor(date.getTime() / 1_000);

/** Signs access tokens with keys of the database. A key is decrypted once; which one signs is asked each time, in the same transaction. */
export class TokenKeyring {
  readonly #deps: { vault: Vault; issuer: string; audience: string; lifetimes: TokenLifetimes };
  readonly #opened = new Map<string, Promise<CryptoKey | Uint8Array>>();

  constructor(deps: { vault: Vault; issuer: string; audience: string; lifetimes: TokenLifetimes }) {
    this.#deps = deps;
  }

  /** The signer of a transaction that began at `now`. */
  signerFor(sql: Sql, now: Date): TokenSigner {
    return {
      lifetimes: this.#deps.lifetimes,
      sign: async (subject) => {
        const { id, key } = await this.#current(sql, now);
        return this.#sign(id, key, subject);
      },
    };
  }

  #sign(
    keyId: string,
    key: CryptoKey | Uint8Array,
    { user, sessionId, issuedAt, expiresAt }: AccessTokenSubject,
  ): Promise<string> {
    const { issuer, audience } = this.#deps;
    const claims = { sid: sessionId, name: user.name, groups: [...user.groups] };
    const versions = { pv: user.permissionsVersion, sv: user.sessionVersion };
    const token = new SignJWT({ ...claims, ...versions, ...(expiresAt && { exp: secondsOf(expiresAt) }) })
      .setProtectedHeader({ alg: 'EdDSA', kid: keyId, typ: 'at+jwt' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject(user.id)
      .setJti(randomUUID())
      .setIssuedAt(secondsOf(issuedAt));
    return token.sign(key);
  }

  async #current(sql: Sql, now: Date): Promise<{ id: string; key: CryptoKey | Uint8Array }> {
    const [row] = await sql.query<{ id: string; sealed_key: Buffer; master_key_id: string }>(
      `SELECT id, sealed_key, master_key_id FROM signing_keys WHERE signs_from <= $1 AND sealed_key IS NOT NULL
       ORDER BY signs_from DESC, id LIMIT 1`,
      [now],
    );
    if (row === undefined) {
      throw new DomainError('unavailable', 'SIGNING_KEY_MISSING', 'There is no key that signs tokens yet. Try again.', {
        retryAfterSeconds: 1,
      });
    }
    const { id, sealed_key: bytes, master_key_id: masterKeyId } = row;
    let key = this.#opened.get(id);
    if (key === undefined) {
      const secret = this.#deps.vault.open({ bytes, masterKeyId }, keyBinding(id));
      key = importJWK(JSON.parse(secret), 'EdDSA');
      this.#opened.clear(); // at most one signs
      this.#opened.set(id, key);
    }
    return { id, key: await key };
  }
}
