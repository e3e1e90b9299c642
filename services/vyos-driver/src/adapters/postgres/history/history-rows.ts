import type { Sql } from '@berth/database';
import type { Cause } from '../../../domain/changes/verdict.ts';
import type { LineChange } from '../../../domain/history/config-line.ts';
import type { EntryKind, EntryState } from '../../../domain/history/history-entry.ts';
import { type StoredOrigin, writeLines } from './config-line-rows.ts';
import { packChanges } from './packed-lines.ts';

/** What an entry was for one resource. */
export interface EntryResource {
  readonly resourceId: string;
  readonly purpose: 'change' | 'repair' | 'way_back' | 'drift';
  readonly causes: readonly Cause[];
}

/** An entry before it has its number. */
export interface NewEntry {
  readonly id: string;
  readonly kind: EntryKind;
  readonly state: EntryState;
  /** Absent: now. */
  readonly startedAt?: string;
  readonly durationMs?: number;
  readonly estimateMs?: number;
  readonly epoch: bigint;
  readonly message: string;
  /** How many commands were sent. */
  readonly operations: number;
  readonly resources: readonly EntryResource[];
  readonly changes: readonly LineChange[];
}

/** Where an entry stands in the history. */
export interface EntryPlace {
  readonly number: bigint;
  readonly endedAt: string;
}

/** The newest entry; 0: none. */
export async function newestNumber(sql: Sql, router: string): Promise<bigint> {
  const [row] = await sql.query<{ number: string }>(`SELECT ${newest} AS number`, [router]);
  return BigInt(row?.number ?? 0);
}

/** The same as SQL, with the router as $1. */
const newest = `greatest((SELECT max(number) FROM history_commits WHERE router = $1),
  (SELECT max(number) FROM history_snapshots WHERE router = $1), 0)`;

/**
 * Adds an entry to the router's history, under the router's lock. Times never go back with numbers, so that what stood at a time is what the newest entry
 * that had ended by then left.
 */
export async function addEntry(sql: Sql, router: string, entry: NewEntry): Promise<EntryPlace> {
  const causes = entry.resources.flatMap((resource) => resource.causes);
  const distinct = (of: (cause: Cause) => string) => [...new Set(causes.map(of))].filter((text) => text !== '');
  const [row] = await sql.query<{ number: string; ended_at: string }>(
    `INSERT INTO history_commits (router, number, id, kind, state, started_at, ended_at, duration_ms, estimate_ms, epoch, message, operations,
       changed_lines, resource_count, principal_ids, principals, changes)
     SELECT $1, ${newest} + 1, $2, $3, $4, coalesce($5::timestamptz, moment), greatest(moment, last), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15
     FROM (SELECT date_trunc('milliseconds', clock_timestamp()) AS moment, (SELECT max(ended_at) FROM history_commits WHERE router = $1) AS last) AS times
     RETURNING number, to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS ended_at`,
    [
      router,
      entry.id,
      entry.kind,
      entry.state,
      entry.startedAt ?? null,
      entry.durationMs === undefined ? null : Math.round(entry.durationMs),
      entry.estimateMs ?? null,
      entry.epoch,
      entry.message,
      entry.operations,
      entry.changes.length,
      entry.resources.length,
      distinct(({ principalId }) => principalId),
      distinct(({ principalName }) => principalName),
      packChanges(entry.changes),
    ],
  );
  const number = BigInt(row?.number ?? 0);
  await addResources(sql, router, number, entry.resources);
  const place = { number, endedAt: row?.ended_at ?? '' };
  await writeLines(sql, router, entry.changes, {
    origin: originOf(entry, place),
    keepsMissing: entry.state !== 'applied' && entry.kind !== 'baseline' && entry.kind !== 'upgrade',
    keepsPut: entry.kind === 'adoption',
  });
  return place;
}

/** Makes the newest entry, a baseline, the origin of every line that stands; what is missing was another device's. */
export async function beginLines(sql: Sql, router: string): Promise<void> {
  await sql.execute('DELETE FROM config_lines WHERE router = $1 AND content IS NULL', [router]);
  await sql.execute(
    `UPDATE config_lines SET put = entry.origin, changed = entry.origin
     FROM (SELECT jsonb_build_object('id', id, 'kind', kind, 'number', number, 'causes', '[]'::jsonb,
         'at', to_char(ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) AS origin
       FROM history_commits WHERE router = $1 ORDER BY number DESC LIMIT 1) AS entry
     WHERE config_lines.router = $1`,
    [router],
  );
}

/** A repair is because of the drift that it undoes; a way back because of what was refused. */
async function addResources(
  sql: Sql,
  router: string,
  number: bigint,
  resources: readonly EntryResource[],
): Promise<void> {
  if (resources.length === 0) return;
  await sql.execute(
    `INSERT INTO history_resources (router, resource_id, number, purpose, because_of)
     SELECT $1, new.resource_id, $2, new.purpose, CASE WHEN new.purpose IN ('repair', 'way_back') THEN (
       SELECT max(earlier.number) FROM history_resources AS earlier JOIN history_commits AS entry USING (router, number)
       WHERE earlier.router = $1 AND earlier.resource_id = new.resource_id
         AND (earlier.purpose = 'drift' OR entry.state IN ('partial', 'refused', 'settled'))) END
     FROM unnest($3::text[], $4::text[]) AS new (resource_id, purpose)`,
    [router, number, resources.map((one) => one.resourceId), resources.map((one) => one.purpose)],
  );
}

/** What is noted with each line: a repair or a look is nobody's request. */
export function originOf(entry: NewEntry, { number, endedAt }: EntryPlace): (resourceId: string) => StoredOrigin {
  const causes = new Map(
    entry.resources.map((one) => [one.resourceId, one.purpose === 'change' ? one.causes : []] as const),
  );
  const { id, kind } = entry;
  return (resourceId) => ({
    ...{ id, kind, number: Number(number), at: endedAt },
    causes: causes.get(resourceId) ?? [],
  });
}
