import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Database, Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import type { SealedTable } from '../secrets/sealed-table.ts';

/** Signs heads of the audit log with the key that is active. Whoever signs holds the chain's row, so the key stays for so long. */
export interface AuditSigner {
  active(sql: Sql): Promise<ActiveKey>;
}

/** The key that signs now. */
export interface ActiveKey {
  readonly keyId: string;
  readonly createdAt: Date;
  /** Ed25519, 64 bytes. */
  sign(text: string): Buffer;
}

/** A key of the log as it is stored. */
export interface NewAuditKey {
  readonly id: string;
  /** PEM. */
  readonly publicKey: string;
  readonly sealed: ReturnType<Vault['seal']>;
}

interface KeyRow {
  readonly id: string;
  readonly sealed_private_key: Buffer;
  readonly master_key_id: string;
  readonly created_at: string;
}

const boundTo = (id: string) => ['audit_signing_keys', id];

/** The secret part of the key that signs. */
export const sealedAuditKeys: SealedTable = {
  ...{ table: 'audit_signing_keys', id: { column: 'id', type: 'text' }, sealed: 'sealed_private_key' },
  boundTo,
};

/** The log's own keys: the first is made at the first start, for all replicas. Throws SECRET_UNREADABLE when the master key is another one. */
export async function openAuditSigner(database: Database, vault: Vault): Promise<AuditSigner> {
  let opened: { id: string; key: KeyObject } | undefined;
  const open = (row: KeyRow): KeyObject => {
    if (opened?.id === row.id) return opened.key;
    const sealed = { bytes: row.sealed_private_key, masterKeyId: row.master_key_id };
    const key = createPrivateKey(vault.open(sealed, boundTo(row.id)));
    opened = { id: row.id, key };
    return key;
  };
  const active = async (sql: Sql): Promise<ActiveKey> => {
    const row = await activeKey(sql);
    if (row === undefined) throw new Error('the audit log has no key');
    const key = open(row);
    return {
      ...{ keyId: row.id, createdAt: new Date(row.created_at) },
      sign: (text) => sign(null, Buffer.from(text), key),
    };
  };
  if ((await activeKey(database)) === undefined) await addKey(database, newAuditKey(vault));
  await active(database);
  return { active };
}

/** A pair that was never used. */
export function newAuditKey(vault: Vault): NewAuditKey {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32);
  const sealed = vault.seal(String(privateKey.export({ type: 'pkcs8', format: 'pem' })), boundTo(id));
  return { id, publicKey: String(publicKey.export({ type: 'spki', format: 'pem' })), sealed };
}

/** Stores the key that signs from now on. Of several that come at once one is stored; the index on active keys decides which. */
export async function addKey(sql: Sql, { id, publicKey, sealed }: NewAuditKey, at?: Date): Promise<void> {
  await sql.execute(
    `INSERT INTO audit_signing_keys (id, public_key, sealed_private_key, master_key_id, created_at)
     VALUES ($1, $2, $3, $4, coalesce($5, clock_timestamp())) ON CONFLICT DO NOTHING`,
    [id, publicKey, sealed.bytes, sealed.masterKeyId, at ?? null],
  );
}

async function activeKey(sql: Sql): Promise<KeyRow | undefined> {
  const [row] = await sql.query<KeyRow>(
    'SELECT id, sealed_private_key, master_key_id, created_at FROM audit_signing_keys WHERE active',
  );
  return row;
}
