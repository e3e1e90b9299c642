import { type AuditAuthor, berthItself } from '@berth/contracts';
import type { Sql } from '@berth/database';
import type { OutgoingMessage, Send } from '@berth/messaging';
import type { PoolChange } from '../../../domain/pools/pool-change.ts';

/** How a change is told: in the watch, as a public event, and in the audit log. */
export interface ChangeForms {
  told(change: PoolChange, revision: string): { readonly message: Uint8Array; readonly event: OutgoingMessage };
  /** Undefined: nobody changed anything. */
  audited(change: PoolChange, author: AuditAuthor): OutgoingMessage | undefined;
}

/** Where the watch stands. */
export interface WatchHead {
  /** Of this database since its last restore: numbers of another one mean other changes. */
  readonly generation: string;
  readonly revision: number;
  /** The oldest change that is kept; undefined: none. */
  readonly oldest: number | undefined;
}

/** Changes are kept for so long. */
const daysKept = 7;

/** Of this database since its last restore; `g`: the row of pool_revision. */
export const generationText = `g.generation || '-' || (SELECT incarnation FROM installation)`;

/**
 * Stores and sends changes under the next revisions. The lock of the counter is taken last in a transaction and held until its end: so
 * revisions are in the order of the commits, and none is left out.
 */
export async function storeChanges(
  sql: Sql,
  changes: readonly PoolChange[],
  forms: ChangeForms,
  send: Send,
  author = berthItself,
): Promise<void> {
  if (changes.length === 0) return;
  const [counted] = await sql.query<{ generation: string; revision: string }>(
    `UPDATE pool_revision g SET revision = revision + $1 RETURNING ${generationText} AS generation, revision`,
    [changes.length],
  );
  if (counted === undefined) throw new Error('the table pool_revision is empty');
  const firstRevision = Number(counted.revision) - changes.length + 1;
  const told = changes.map((change, index) => ({
    change,
    revision: firstRevision + index,
    ...forms.told(change, revisionText(counted.generation, firstRevision + index)),
  }));
  await sql.execute(
    `INSERT INTO pool_changes (revision, kind, router, change, at)
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::timestamptz[])`,
    [
      told.map(({ revision }) => revision),
      told.map(({ change }) => change.pool.spec.kind),
      told.map(({ change }) => change.pool.router),
      told.map(({ message }) => Buffer.from(message)),
      told.map(({ change }) => change.at),
    ],
  );
  for (const { change, event } of told) {
    send(event);
    const entry = forms.audited(change, author);
    if (entry) send(entry);
  }
}

export const revisionText = (generation: string, revision: number): string => `${generation}.${revision}`;

export async function watchHead(sql: Sql): Promise<WatchHead> {
  const [row] = await sql.query<{ generation: string; revision: string; oldest: string | null }>(
    `SELECT ${generationText} AS generation, g.revision, (SELECT min(revision) FROM pool_changes) AS oldest FROM pool_revision g`,
  );
  if (row === undefined) throw new Error('the table pool_revision is empty');
  const oldest = row.oldest === null ? undefined : Number(row.oldest);
  return { generation: row.generation, revision: Number(row.revision), oldest };
}

/** A change as it is kept. */
export interface StoredChange {
  readonly revision: number;
  readonly kind: string;
  readonly router: string;
  readonly message: Uint8Array;
}

/** The changes after a revision, in order. */
export async function changesAfter(sql: Sql, revision: number, most: number): Promise<StoredChange[]> {
  const rows = await sql.query<{ revision: string; kind: string; router: string; change: Buffer }>(
    'SELECT revision, kind, router, change FROM pool_changes WHERE revision > $1 ORDER BY revision LIMIT $2',
    [revision, most],
  );
  return rows.map(({ revision: number, kind, router, change }) => ({
    ...{ revision: Number(number), kind, router },
    message: change,
  }));
}

/** Drops changes that are past their time. */
export const dropOldChanges = (sql: Sql): Promise<number> =>
  sql.execute(`DELETE FROM pool_changes WHERE at < clock_timestamp() - interval '${daysKept} days'`);
