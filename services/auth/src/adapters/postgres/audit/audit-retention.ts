import type { Database } from '@berth/database';
import { clockOf } from '../clock.ts';
import { takeChain, writeHead } from './audit-sealer.ts';
import type { AuditSigner } from './audit-signer.ts';

const batchSize = 1_000;

/**
 * Drops the oldest entries that are older than `days`, as far as they stand at the chain's beginning. A signed anchor with the last dropped
 * hash takes their place, in the same transaction. Gives back whether more may be left.
 */
export const dropOldEntries = (database: Database, signer: AuditSigner, days: number): Promise<boolean> =>
  database.transaction(async (sql) => {
    const chain = await takeChain(sql);
    if (chain === undefined) return false;
    const now = await clockOf(sql);
    const oldest = await sql.query<{ seq: string; hash: Buffer; past: boolean }>(
      `SELECT seq, hash, at < $1::timestamptz - make_interval(days => $2) AS past
       FROM audit_entries WHERE seq IS NOT NULL ORDER BY seq LIMIT ${batchSize}`,
      [now, days],
    );
    const young = oldest.findIndex(({ past }) => !past);
    const dropped = young === -1 ? oldest : oldest.slice(0, young);
    const last = dropped.at(-1);
    if (last === undefined) return false;
    const seq = Number(last.seq);
    await writeHead(sql, await signer.active(sql), { kind: 'anchor', seq, hash: last.hash, at: now });
    await sql.execute('UPDATE audit_chain SET dropped_seq = $1', [seq]);
    await sql.execute('DELETE FROM audit_entries WHERE seq <= $1', [seq]);
    return dropped.length === batchSize;
  });
