import type { Sql } from '@berth/database';
import { canonicalJson, type Head, sealedText } from '../../../domain/audit/audit-chain.ts';
import { type EntryRow, entryColumns, entryOf } from './audit-entry-rows.ts';
import { pageSizeOf, pageTokenInvalid } from './read-audit.ts';

const entriesAtOnce = 250;
const headsAtOnce = 1_000;
/** A message over the bus holds a megabyte. */
const mostBytes = 512_000;

/** A part of an export. */
export interface ExportPart {
  readonly lines: readonly string[];
  readonly lastSeq: number;
  readonly more: boolean;
}

interface HeadRow {
  readonly id: string;
  readonly kind: Head['kind'];
  readonly seq: string;
  readonly hash: Buffer;
  readonly at: string;
  readonly key_id: string;
  readonly signature: Buffer;
  readonly new_key_id: string | null;
  readonly new_public_key: string | null;
}

/** What HeadRow needs: heads with the key that a rotation vouches for. */
const headRows = `SELECT h.id, h.kind, h.seq, h.hash, h.at, h.key_id, h.signature, h.new_key_id, k.public_key AS new_public_key
  FROM audit_heads h LEFT JOIN audit_signing_keys k ON k.id = h.new_key_id`;

/** A signed head with its place in the list. */
export interface SignedHead {
  readonly head: Head;
  /** Base64. */
  readonly signature: string;
}

/**
 * The sealed entries after `afterSeq` up to `toSeq` (0: the newest), and each head after the entry that it is about, as lines. The first part
 * begins with what the export is, with every rotation of the log's key, so that each key is known before a head that it signed, and with the heads
 * that its first entry hangs on; the last one says that it is the last. Rotations stand in their places too: one may come up during the export. An export
 * up to the newest has all heads: one that speaks of an entry that is not there betrays that the end was cut off.
 */
export async function exportPart(
  sql: Sql,
  { afterSeq, toSeq, first }: { afterSeq: number; toSeq: number; first: boolean },
): Promise<ExportPart> {
  const after = first ? Math.max(afterSeq, await droppedSeq(sql)) : afterSeq;
  // Heads first: what they speak of is there when the entries are read a moment later.
  const heads = await headsFrom(sql, after, first);
  const keys = first ? await rotations(sql) : [];
  const rows = await sql.query<EntryRow>(
    `SELECT ${entryColumns} FROM audit_entries WHERE seq > $1 AND ($2::bigint = 0 OR seq <= $2) ORDER BY seq LIMIT ${entriesAtOnce}`,
    [after, toSeq],
  );
  const entries = withinBytes(rows.map((row) => ({ seq: Number(row.seq), line: entryLine(row) })));
  const lastSeq = entries.at(-1)?.seq ?? after;
  const more = entries.length < rows.length || rows.length === entriesAtOnce;
  const told = heads.filter(({ seq }) => seq <= lastSeq || (!more && (toSeq === 0 || seq <= toSeq)));
  return {
    lines: [
      ...(first ? [canonicalJson({ kind: 'export', version: 1, after, to: toSeq === 0 ? null : toSeq })] : []),
      ...keys,
      ...inOrder(entries, told),
      ...(more ? [] : [canonicalJson({ kind: 'end', last_seq: lastSeq })]),
    ],
    ...{ lastSeq, more },
  };
}

/** Signed heads, the newest first. */
export async function pageOfHeads(
  sql: Sql,
  page: { size: number; token: string },
): Promise<{ heads: readonly SignedHead[]; nextToken: string }> {
  if (!/^\d{0,18}$/.test(page.token)) throw pageTokenInvalid();
  const size = pageSizeOf(page.size);
  const rows = await sql.query<HeadRow>(
    `${headRows} WHERE $1 = '' OR h.id < nullif($1, '')::bigint ORDER BY h.id DESC LIMIT $2`,
    [page.token, size + 1],
  );
  const heads = rows.slice(0, size);
  return { heads: heads.map(signedHead), nextToken: rows.length > size ? (heads.at(-1)?.id ?? '') : '' };
}

/** Every key that has signed heads, the oldest first. */
export const auditKeys = (
  sql: Sql,
): Promise<{ id: string; public_key: string; created_at: string; active: boolean }[]> =>
  sql.query('SELECT id, public_key, created_at, active FROM audit_signing_keys ORDER BY created_at, id');

async function droppedSeq(sql: Sql): Promise<number> {
  const [row] = await sql.query<{ dropped_seq: string }>('SELECT dropped_seq FROM audit_chain');
  return Number(row?.dropped_seq ?? 0);
}

/** Later parts: those about later entries, and a rotation at the end of the part before, which may have come up after that was read. */
async function headsFrom(sql: Sql, seq: number, first: boolean): Promise<Line[]> {
  const rows = await sql.query<HeadRow>(
    `${headRows} WHERE h.seq >= $1 AND (h.seq > $1 OR $2 OR h.kind = 'rotation') ORDER BY h.seq, h.id LIMIT ${headsAtOnce}`,
    [seq, first],
  );
  return rows.map((row) => ({ seq: Number(row.seq), line: headLine(signedHead(row)) }));
}

/** All in their order, as lines; they are few. */
async function rotations(sql: Sql): Promise<string[]> {
  const rows = await sql.query<HeadRow>(`${headRows} WHERE h.kind = 'rotation' ORDER BY h.id`);
  return rows.map((row) => headLine(signedHead(row)));
}

const signedHead = ({ kind, seq, hash, at, key_id, signature, new_key_id, new_public_key }: HeadRow): SignedHead => ({
  head: {
    ...{ kind, seq: Number(seq), hash: hash.toString('hex'), at: new Date(at).toISOString(), key_id },
    ...(new_key_id !== null && new_public_key !== null && { new_key_id, new_public_key }),
  },
  signature: signature.toString('base64'),
});

interface Line {
  readonly seq: number;
  readonly line: string;
}

function entryLine(row: EntryRow): string {
  if (row.previous_hash === null || row.hash === null)
    throw new Error('an entry that is not sealed cannot be exported');
  const text = sealedText(entryOf(row), Number(row.seq), row.previous_hash);
  return `{"entry":${text},"hash":"${row.hash.toString('hex')}","kind":"entry"}`;
}

const headLine = ({ head, signature }: SignedHead): string => canonicalJson({ kind: 'head', head, signature });

/** At least one, or an export would never come past it. */
function withinBytes(lines: readonly Line[]): readonly Line[] {
  let bytes = 0;
  const fits = lines.findIndex(({ line }, index) => {
    bytes += Buffer.byteLength(line);
    return index > 0 && bytes > mostBytes;
  });
  return fits === -1 ? lines : lines.slice(0, fits);
}

/** Both are in order already; a head comes after its entry. */
const inOrder = (entries: readonly Line[], heads: readonly Line[]): string[] =>
  [...entries, ...heads].sort((one, other) => one.seq - other.seq).map(({ line }) => line);
