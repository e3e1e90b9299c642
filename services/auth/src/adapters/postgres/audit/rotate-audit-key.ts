import type { Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import type { NewAuditEntry } from '../../../app/auth-transaction.ts';
import { clockOf } from '../clock.ts';
import { takeChain, waitForChain, writeHead } from './audit-sealer.ts';
import { type AuditSigner, addKey, newAuditKey } from './audit-signer.ts';

/** Requests that come together are one rotation: for so long the key of the one before is the answer. */
const togetherSeconds = 10;

/** What a rotation needs. */
export interface RotationDeps {
  readonly signer: AuditSigner;
  readonly vault: Vault;
}

/** A key of the log. */
export interface AuditKey {
  readonly id: string;
  /** PEM. */
  readonly publicKey: string;
  readonly createdAt: Date;
}

/**
 * Lets a new key sign from now on, within a transaction. The one before signs where the chain stands together with the new one's id and public
 * part, and its secret part is forgotten. `entry`: what the audit log should say; undefined: a rotation moments ago is the answer.
 */
export async function rotateAuditKey(sql: Sql, deps: RotationDeps): Promise<{ key: AuditKey; entry?: NewAuditEntry }> {
  const chain = await waitForChain(sql);
  const now = await clockOf(sql);
  const last = await lastRotation(sql);
  // Of a clock that went back nobody knows how long ago it was; whoever asks because a key leaked must get another one.
  const age = last === undefined ? -1 : secondsBetween(last.createdAt, now);
  if (last !== undefined && age >= 0 && age < togetherSeconds) return { key: last };
  return replaceKey(sql, deps, chain, now);
}

/** The same once the key is `days` old; undefined when it is not, and while another replica is at the chain. Repeatable, by any replica. */
export async function rotateOldAuditKey(
  sql: Sql,
  deps: RotationDeps,
  days: number,
): Promise<{ key: AuditKey; entry: NewAuditEntry } | undefined> {
  const chain = await takeChain(sql);
  if (chain === undefined) return undefined;
  const now = await clockOf(sql);
  const { createdAt } = await deps.signer.active(sql);
  return secondsBetween(createdAt, now) < days * 86_400 ? undefined : replaceKey(sql, deps, chain, now);
}

const secondsBetween = (from: Date, to: Date): number => (to.getTime() - from.getTime()) / 1_000;

async function replaceKey(
  sql: Sql,
  { signer, vault }: RotationDeps,
  chain: { readonly seq: number; readonly hash: Buffer },
  now: Date,
): Promise<{ key: AuditKey; entry: NewAuditEntry }> {
  const before = await signer.active(sql);
  const made = newAuditKey(vault);
  await sql.execute(
    'UPDATE audit_signing_keys SET active = false, sealed_private_key = NULL, master_key_id = NULL WHERE id = $1',
    [before.keyId],
  );
  await addKey(sql, made, now);
  await writeHead(sql, before, { ...{ kind: 'rotation', seq: chain.seq, hash: chain.hash, at: now }, newKey: made });
  await sql.execute('UPDATE audit_chain SET head_seq = $1, head_at = $2', [chain.seq, now]);
  const { id, publicKey } = made;
  const resource = { id };
  const entry: NewAuditEntry = { action: 'audit_key.rotated', resource, details: { previous_key_id: before.keyId } };
  return { key: { id, publicKey, createdAt: now }, entry };
}

/** The key that signs, when a rotation made it. */
async function lastRotation(sql: Sql): Promise<AuditKey | undefined> {
  const [row] = await sql.query<{ id: string; public_key: string; created_at: string }>(
    `SELECT k.id, k.public_key, k.created_at FROM audit_signing_keys k JOIN audit_heads h ON h.new_key_id = k.id AND h.kind = 'rotation'
     WHERE k.active`,
  );
  return row && { id: row.id, publicKey: row.public_key, createdAt: new Date(row.created_at) };
}
