import type { Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import type { SigningKeyStore } from '../../../app/sessions/signing-key-store.ts';
import type { SigningKey } from '../../../domain/sessions/signing-key.ts';
import type { SealedTable } from '../secrets/sealed-table.ts';

interface SigningKeyRow {
  readonly id: string;
  readonly public_jwk: object;
  readonly created_at: string;
  readonly signs_from: string;
  readonly verifies_until: string | null;
}

/** What the secret part of a key is bound to. */
export const keyBinding = (id: string): readonly string[] => ['signing_keys', id];

/** The secret parts of keys that may still sign. */
export const sealedSigningKeys: SealedTable = {
  ...{ table: 'signing_keys', id: { column: 'id', type: 'text' }, sealed: 'sealed_key' },
  boundTo: keyBinding,
};

const toSigningKey = (row: SigningKeyRow): SigningKey => ({
  id: row.id,
  publicJwk: row.public_jwk,
  createdAt: new Date(row.created_at),
  signsFrom: new Date(row.signs_from),
  verifiesUntil: row.verifies_until === null ? undefined : new Date(row.verifies_until),
});

/** Signing keys in auth's schema. */
export const signingKeyRows = (sql: Sql, vault: Vault): SigningKeyStore => ({
  async all() {
    const rows = await sql.query<SigningKeyRow>(
      `SELECT id, public_jwk, created_at, signs_from, verifies_until FROM signing_keys
       WHERE verifies_until IS NULL OR verifies_until > clock_timestamp() ORDER BY signs_from DESC, id`,
    );
    return rows.map(toSigningKey);
  },

  async make(signsFrom) {
    const { id, publicJwk, privateJwk } = await newKeyPair();
    const { bytes, masterKeyId } = vault.seal(JSON.stringify(privateJwk), keyBinding(id));
    const rows = await sql.query<SigningKeyRow>(
      `INSERT INTO signing_keys (id, public_jwk, sealed_key, master_key_id, created_at, signs_from)
       VALUES ($1, $2, $3, $4, clock_timestamp(), $5) RETURNING id, public_jwk, created_at, signs_from, verifies_until`,
      [id, JSON.stringify(publicJwk), bytes, masterKeyId, signsFrom],
    );
    const [key] = rows.map(toSigningKey);
    if (key === undefined) throw new Error('the signing key was not stored');
    return key;
  },

  async retire(id, verifiesUntil) {
    await sql.execute(
      'UPDATE signing_keys SET verifies_until = $2, sealed_key = NULL, master_key_id = NULL WHERE id = $1',
      [id, verifiesUntil],
    );
  },

  async remove(id) {
    await sql.execute('DELETE FROM signing_keys WHERE id = $1', [id]);
  },
});

/** Ed25519; the id is the key's thumbprint (RFC 7638). */
async function newKeyPair(): Promise<{ id: string; publicJwk: JWK; privateJwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const [bare, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  const id = await calculateJwkThumbprint(bare);
  return { id, publicJwk: { ...bare, kid: id, alg: 'EdDSA', use: 'sig' }, privateJwk };
}
