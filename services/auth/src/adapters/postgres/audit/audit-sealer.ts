import type { Database, Sql } from '@berth/database';
import { type ChainEnd, type Head, hashOf, headText, sealedText } from '../../../domain/audit/audit-chain.ts';
import { clockOf } from '../clock.ts';
import { type EntryRow, entryColumns, entryOf } from './audit-entry-rows.ts';
import type { ActiveKey, AuditSigner, NewAuditKey } from './audit-signer.ts';

const batchSize = 500;

/** When heads are signed: after so many entries, and after so long when there are new ones. */
export interface HeadPace {
  readonly entries: number;
  readonly seconds: number;
}

interface ChainRow extends ChainEnd {
  readonly headSeq: number;
  readonly headAt: Date | undefined;
}

/**
 * Gives entries their places in the chain, in one transaction a batch. The chain's row is the lock: while one replica is at it, others leave at
 * once. Gives back how many it sealed; a full batch means that more may wait.
 */
export async function sealEntries(
  database: Database,
  signer: AuditSigner,
  pace: HeadPace,
): Promise<{ sealed: number; more: boolean }> {
  return database.transaction(async (sql) => {
    const chain = await takeChain(sql);
    if (chain === undefined) return { sealed: 0, more: false };
    const rows = await unsealed(sql);
    const end = await seal(sql, chain, rows);
    await signHead(sql, signer, pace, { ...chain, ...end });
    return { sealed: rows.length, more: rows.length === batchSize };
  });
}

/** The chain's row, held until the commit; undefined while another replica has it. */
export const takeChain = (sql: Sql): Promise<ChainRow | undefined> => lockedChain(sql, 'SKIP LOCKED');

/** The same, after whoever has it. */
export async function waitForChain(sql: Sql): Promise<ChainRow> {
  const chain = await lockedChain(sql, '');
  if (chain === undefined) throw new Error('the audit log has no chain');
  return chain;
}

async function lockedChain(sql: Sql, whileHeld: 'SKIP LOCKED' | ''): Promise<ChainRow | undefined> {
  const [row] = await sql.query<{ seq: string; hash: Buffer; head_seq: string; head_at: string | null }>(
    `SELECT seq, hash, head_seq, head_at FROM audit_chain FOR UPDATE ${whileHeld}`,
  );
  return (
    row && {
      seq: Number(row.seq),
      hash: row.hash,
      headSeq: Number(row.head_seq),
      headAt: row.head_at === null ? undefined : new Date(row.head_at),
    }
  );
}

/**
 * Entries whose transactions, and all that began before them, have ended: nothing can come in between any more, so the chain's order is that of
 * the transactions. After a restore into another cluster its transaction numbers may lie ahead: visible here, they have surely ended.
 */
const unsealed = (sql: Sql): Promise<EntryRow[]> =>
  sql.query<EntryRow>(
    `SELECT ${entryColumns} FROM audit_entries
     WHERE seq IS NULL AND (xid < pg_snapshot_xmin(pg_current_snapshot()) OR xid >= pg_snapshot_xmax(pg_current_snapshot()))
     ORDER BY xid, arrival LIMIT ${batchSize}`,
  );

async function seal(sql: Sql, chain: ChainEnd, rows: readonly EntryRow[]): Promise<ChainEnd> {
  if (rows.length === 0) return chain;
  let end: ChainEnd = chain;
  const links = rows.map((row) => {
    const previous = end.hash;
    const seq = end.seq + 1;
    end = { seq, hash: hashOf(sealedText(entryOf(row), seq, previous)) };
    return { id: row.id, seq, previous, hash: end.hash };
  });
  await sql.execute(
    `UPDATE audit_entries e SET seq = link.seq, previous_hash = link.previous, hash = link.hash
     FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::bytea[]) AS link (id, seq, previous, hash) WHERE e.id = link.id`,
    [
      links.map(({ id }) => id),
      links.map(({ seq }) => seq),
      links.map(({ previous }) => previous),
      links.map(({ hash }) => hash),
    ],
  );
  await sql.execute('UPDATE audit_chain SET seq = $1, hash = $2', [end.seq, end.hash]);
  return end;
}

async function signHead(sql: Sql, signer: AuditSigner, pace: HeadPace, chain: ChainRow): Promise<void> {
  if (chain.seq === chain.headSeq) return;
  const now = await clockOf(sql);
  const age = chain.headAt === undefined ? Number.POSITIVE_INFINITY : (now.getTime() - chain.headAt.getTime()) / 1_000;
  if (chain.seq - chain.headSeq < pace.entries && age < pace.seconds) return;
  await writeHead(sql, await signer.active(sql), { kind: 'head', seq: chain.seq, hash: chain.hash, at: now });
  await sql.execute('UPDATE audit_chain SET head_seq = $1, head_at = $2', [chain.seq, now]);
}

/** Signs a head and keeps it. */
export async function writeHead(
  sql: Sql,
  { keyId, sign }: ActiveKey,
  { kind, seq, hash, at, newKey }: ChainEnd & { kind: Head['kind']; at: Date; newKey?: NewAuditKey },
): Promise<void> {
  const head: Head = {
    ...{ kind, seq, hash: hash.toString('hex'), at: at.toISOString(), key_id: keyId },
    ...(newKey && { new_key_id: newKey.id, new_public_key: newKey.publicKey }),
  };
  await sql.execute(
    'INSERT INTO audit_heads (kind, seq, hash, at, key_id, signature, new_key_id) VALUES ($1, $2, $3, $4, $5, $6, $7)',
    [kind, seq, hash, at, keyId, sign(headText(head)), newKey?.id ?? null],
  );
}
