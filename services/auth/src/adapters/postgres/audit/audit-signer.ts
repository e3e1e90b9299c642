import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { Database } from '@berth/database';
import type { Vault } from '@berth/vault';

/** Signs heads of the audit log. */
export interface AuditSigner {
  readonly keyId: string;
  /** Ed25519, 64 bytes. */
  sign(text: string): Buffer;
}

interface KeyRow {
  readonly id: string;
  readonly sealed_private_key: Buffer;
  readonly master_key_id: string;
}

const boundTo = (id: string) => ['audit_signing_keys', id];

/** The log's own key: made at the first start, the same for all replicas. Throws SECRET_UNREADABLE when the master key is another one. */
export async function openAuditSigner(database: Database, vault: Vault): Promise<AuditSigner> {
  const row = (await activeKey(database)) ?? (await makeKey(database, vault));
  const pem = vault.open({ bytes: row.sealed_private_key, masterKeyId: row.master_key_id }, boundTo(row.id));
  const key: KeyObject = createPrivateKey(pem);
  return { keyId: row.id, sign: (text) => sign(null, Buffer.from(text), key) };
}

async function activeKey(database: Database): Promise<KeyRow | undefined> {
  const [row] = await database.query<KeyRow>(
    'SELECT id, sealed_private_key, master_key_id FROM audit_signing_keys WHERE active',
  );
  return row;
}

/** Of replicas that start together one makes it; the index on active keys decides which. */
async function makeKey(database: Database, vault: Vault): Promise<KeyRow> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const id = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32);
  const sealed = vault.seal(String(privateKey.export({ type: 'pkcs8', format: 'pem' })), boundTo(id));
  await database.execute(
    `INSERT INTO audit_signing_keys (id, public_key, sealed_private_key, master_key_id) VALUES ($1, $2, $3, $4)
     ON CONFLICT DO NOTHING`,
    [id, publicKey.export({ type: 'spki', format: 'pem' }), sealed.bytes, sealed.masterKeyId],
  );
  const row = await activeKey(database);
  if (row === undefined) throw new Error('the audit log has no key');
  return row;
}
