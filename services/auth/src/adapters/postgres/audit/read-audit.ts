import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type EntryRow, entryColumns } from './audit-entry-rows.ts';

/** Which entries are asked for; an absent filter applies to all. */
export interface AuditFilters {
  readonly actor?: string | undefined;
  readonly actionPrefix?: string | undefined;
  readonly resourceType?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly result?: string | undefined;
  readonly address?: string | undefined;
  readonly requestId?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

const usualPageSize = 100;
const largestPageSize = 500;
const mostBytes = 700_000;

/** How many a page has, at the asker's wish. */
export const pageSizeOf = (wish: number): number => Math.min(wish === 0 ? usualPageSize : wish, largestPageSize);

/** Entries, the newest first. Each filter has an index in that order, so a page costs the same wherever it lies. */
export async function pageOfEntries(
  sql: Sql,
  filters: AuditFilters,
  page: { size: number; token: string },
): Promise<{ rows: readonly EntryRow[]; nextToken: string }> {
  const size = pageSizeOf(page.size);
  const found = await sql.query<EntryRow>(...statementFor(filters, page.token, size + 1));
  const rows = withinBytes(found.slice(0, size));
  const last = rows.at(-1);
  return { rows, nextToken: found.length > rows.length && last !== undefined ? tokenOf(last) : '' };
}

function statementFor(filters: AuditFilters, token: string, limit: number): [text: string, values: unknown[]] {
  const values: unknown[] = [];
  const value = (given: unknown) => `$${values.push(given)}`;
  const [first, ...others] = equalities(filters);
  const conditions = others.map(([column, given]) => `${column} = ${value(given)}`);
  if (filters.since) conditions.push(`at >= ${value(filters.since)}`);
  if (filters.until) conditions.push(`at < ${value(filters.until)}`);
  if (token !== '') {
    const { at, arrival } = positionOf(token);
    conditions.push(`(at, arrival) < (${value(at)}, ${value(arrival)})`);
  }
  if (first !== undefined)
    return [newestOf(first[0], value(first[1]), actionsToo(filters, value, conditions), limit), values];
  if (filters.actionPrefix === undefined) return [newest(conditions, limit), values];
  const { from, to } = prefixRange(filters.actionPrefix, value);
  return [ofActions(from, to, conditions, limit), values];
}

/** What has to be equal, the rarest first, as a rule. */
const equalities = (filters: AuditFilters): [column: string, given: string][] => {
  const wanted: [string, string | undefined][] = [
    ['request_id', filters.requestId],
    ['resource_id', filters.resourceId],
    ['actor_id', filters.actor],
    ['client_address', filters.address],
    ['resource_type', filters.resourceType],
    ['result', filters.result],
  ];
  return wanted.flatMap(([column, given]) => (given === undefined ? [] : [[column, given]]));
};

type AddValue = (given: unknown) => string;

const prefixRange = (prefix: string, value: AddValue) => ({ from: value(prefix), to: value(`${prefix}\u{10FFFF}`) });

function actionsToo({ actionPrefix }: AuditFilters, value: AddValue, conditions: readonly string[]): readonly string[] {
  if (actionPrefix === undefined) return conditions;
  const { from, to } = prefixRange(actionPrefix, value);
  return [...conditions, `action >= ${from}`, `action < ${to}`];
}

const newest = (conditions: readonly string[], limit: number, column?: string): string =>
  `SELECT ${entryColumns} FROM audit_entries ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
   ORDER BY ${column === undefined ? '' : `${column} DESC,`} at DESC, arrival DESC LIMIT ${limit}`;

/**
 * The newest where a column has a value, written so that only the column's own index gives the order: by an equality the planner might walk the whole
 * log, if it believes that the value is a frequent one.
 */
const newestOf = (column: string, given: string, conditions: readonly string[], limit: number): string =>
  newest([`${column} >= ${given}`, `${column} <= ${given}`, ...conditions], limit, column);

/**
 * The newest of each action that begins so, and of these the newest. The actions are found by hopping over the index from one to the next:
 * there are a few hundred, however long the log is.
 */
const ofActions = (from: string, to: string, conditions: readonly string[], limit: number): string =>
  `WITH RECURSIVE known AS (
     (SELECT action FROM audit_entries WHERE action >= ${from} AND action < ${to} ORDER BY action LIMIT 1)
     UNION ALL
     SELECT (SELECT e.action FROM audit_entries e WHERE e.action > known.action AND e.action < ${to} ORDER BY e.action LIMIT 1)
     FROM known WHERE known.action IS NOT NULL
   )
   SELECT e.* FROM known CROSS JOIN LATERAL (${newestOf('action', 'known.action', conditions, limit)}) e
   WHERE known.action IS NOT NULL ORDER BY e.at DESC, e.arrival DESC LIMIT ${limit}`;

/** As many as a message over the bus can hold. */
function withinBytes(rows: readonly EntryRow[]): readonly EntryRow[] {
  let bytes = 0;
  const tooMany = rows.findIndex((row, index) => {
    bytes += Buffer.byteLength(JSON.stringify(row));
    return index > 0 && bytes > mostBytes;
  });
  return tooMany === -1 ? rows : rows.slice(0, tooMany);
}

const tokenOf = ({ at, arrival }: EntryRow): string =>
  Buffer.from(`${new Date(at).getTime()}/${arrival}`).toString('base64url');

function positionOf(token: string): { at: Date; arrival: string } {
  const [, at, arrival] = /^(\d{1,15})\/(\d{1,18})$/.exec(Buffer.from(token, 'base64url').toString('utf8')) ?? [];
  if (at === undefined || arrival === undefined) throw pageTokenInvalid();
  return { at: new Date(Number(at)), arrival };
}

/** For a cursor that was not given out for this list. */
export const pageTokenInvalid = () =>
  new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'The page token is not one that was given out for this list.');
