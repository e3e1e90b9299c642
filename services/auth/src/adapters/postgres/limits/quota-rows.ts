import type { Sql } from '@berth/database';
import { clockOf } from '../clock.ts';

/** One limit of one subject in one window of time; the start in seconds since 1970. */
export interface QuotaWindow {
  readonly subject: string;
  readonly endpointGroup: string;
  readonly windowSeconds: number;
  readonly windowStart: number;
}

/** Units that somebody asks for: so many now, and so many to have at hand. */
export interface QuotaAsk extends QuotaWindow {
  readonly limit: number;
  readonly needed: number;
  readonly extra: number;
}

/** What was given, and how many are taken now by all together. */
export interface QuotaGrant {
  readonly granted: number;
  readonly taken: number;
}

interface WindowRow {
  readonly subject: string;
  readonly endpoint_group: string;
  readonly window_seconds: number;
  readonly window_start: string;
  readonly most: string;
  readonly granted: string;
  readonly taken: string;
}

/** Leases share what is left: nobody gets more than this part of it beyond what is needed at once. */
const extraPart = 8;
/** For how long windows that have ended are kept, in seconds: returns may come late. */
const keptSeconds = 3_600;
const nowSeconds = 'extract(epoch FROM clock_timestamp())';

const given = (left: string, from: string): string =>
  `LEAST(${left}, ${from}.needed) + LEAST(${from}.extra, GREATEST(0, ${left} - ${from}.needed) / ${extraPart})`;

/**
 * Takes units of many windows in one statement; of each window once. Two that ask at once wait for each other at the row, so nobody
 * gets what would go beyond the limit. The order of the rows is everybody's, so nobody waits in a circle.
 */
export async function leaseQuota(
  sql: Sql,
  asks: readonly QuotaAsk[],
): Promise<{ readonly grants: QuotaGrant[]; readonly now: Date }> {
  const rows = await sql.query<WindowRow & { readonly now: string }>(
    `INSERT INTO limit_windows AS w (subject, endpoint_group, window_seconds, window_start, most, needed, extra, taken, granted)
     SELECT subject, endpoint_group, window_seconds, window_start, most, needed, extra, give, give
     FROM (SELECT *, ${given('most', 'a')} AS give
           FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
             AS a (subject, endpoint_group, window_seconds, window_start, most, needed, extra)) AS asked
     ORDER BY subject, endpoint_group, window_seconds, window_start
     ON CONFLICT (subject, endpoint_group, window_seconds, window_start) DO UPDATE SET
       most = excluded.most, needed = excluded.needed, extra = excluded.extra,
       granted = ${given('GREATEST(0, excluded.most - w.taken)', 'excluded')},
       taken = w.taken + ${given('GREATEST(0, excluded.most - w.taken)', 'excluded')}
     RETURNING subject, endpoint_group, window_seconds, window_start, most, granted, taken, clock_timestamp()::timestamptz(3) AS now`,
    [
      ...windowColumns(asks),
      ...[asks.map(({ limit }) => limit), asks.map(({ needed }) => needed), asks.map(({ extra }) => extra)],
    ],
  );
  const grants = new Map(rows.map((row) => [nameOf(toWindow(row)), row]));
  const answers = asks.map((ask) => {
    const row = grants.get(nameOf(ask));
    return { granted: Number(row?.granted ?? 0), taken: Number(row?.taken ?? 0) };
  });
  const [first] = rows;
  return { grants: answers, now: first === undefined ? await clockOf(sql) : new Date(first.now) };
}

/** Puts units back that were taken and not spent. Locks the rows in the order of `leaseQuota`, so that nobody waits in a circle. */
export async function returnQuota(
  sql: Sql,
  returns: readonly (QuotaWindow & { readonly units: number })[],
): Promise<void> {
  await sql.execute(
    `WITH r AS (
       SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::bigint[], $5::bigint[])
         AS r (subject, endpoint_group, window_seconds, window_start, units)
     ), locked AS MATERIALIZED (
       SELECT subject, endpoint_group, window_seconds, window_start FROM limit_windows
       WHERE (subject, endpoint_group, window_seconds, window_start) IN
         (SELECT subject, endpoint_group, window_seconds, window_start FROM r)
       ORDER BY subject, endpoint_group, window_seconds, window_start FOR UPDATE
     )
     UPDATE limit_windows AS w SET taken = GREATEST(0, w.taken - r.units)
     FROM r JOIN locked USING (subject, endpoint_group, window_seconds, window_start)
     WHERE (w.subject, w.endpoint_group, w.window_seconds, w.window_start)
       = (r.subject, r.endpoint_group, r.window_seconds, r.window_start)`,
    [...windowColumns(returns), returns.map(({ units }) => units)],
  );
}

/** What a subject has taken in the windows that are open by the database's clock. */
export async function usageOf(
  sql: Sql,
  subject: string,
): Promise<(QuotaWindow & { readonly limit: number; readonly taken: number })[]> {
  const rows = await sql.query<WindowRow>(
    `SELECT subject, endpoint_group, window_seconds, window_start, most, granted, taken FROM limit_windows
     WHERE subject = $1 AND window_start <= ${nowSeconds} AND window_start + window_seconds > ${nowSeconds}
     ORDER BY endpoint_group, window_seconds`,
    [subject],
  );
  return rows.map((row) => ({ ...toWindow(row), limit: Number(row.most), taken: Number(row.taken) }));
}

/** Drops windows that have ended. */
export async function dropOldWindows(sql: Sql): Promise<void> {
  await sql.execute(`DELETE FROM limit_windows WHERE window_start + window_seconds < ${nowSeconds} - ${keptSeconds}`);
}

/** What tells windows apart. */
export const nameOf = ({ subject, endpointGroup, windowSeconds, windowStart }: QuotaWindow): string =>
  `${subject} ${endpointGroup} ${windowSeconds} ${windowStart}`;

const windowColumns = (windows: readonly QuotaWindow[]): unknown[] => [
  ...[windows.map(({ subject }) => subject), windows.map(({ endpointGroup }) => endpointGroup)],
  ...[windows.map(({ windowSeconds }) => windowSeconds), windows.map(({ windowStart }) => windowStart)],
];

const toWindow = (row: WindowRow): QuotaWindow => ({
  subject: row.subject,
  endpointGroup: row.endpoint_group,
  windowSeconds: row.window_seconds,
  windowStart: Number(row.window_start),
});
