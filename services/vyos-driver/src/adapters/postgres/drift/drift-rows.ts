import type { Sql } from '@berth/database';
import type { Send } from '@berth/messaging';
import type {
  DriftBook,
  DriftFindings,
  DriftRequests,
  FoundDrift,
  MendedResource,
} from '../../../app/drift/drift-book.ts';
import { type ConfigTree, pathOfKey } from '../../../domain/config-tree.ts';
import type { DriftPolicy } from '../../../domain/drift/drift.ts';
import { type DriftNews, type DriftRow, driftColumns, driftEvent } from './drift-messages.ts';

/** So often within an hour a path is repaired; whoever changes it then means it. */
const mostRepairs = 3;
const keptDays = 7;
const mostForeignChanges = 100;

export async function readDriftRequests(sql: Sql, router: string): Promise<DriftRequests> {
  const [row] = await sql.query<{ drift_asked: string; drift_repair_asked: string; drift_answered: string }>(
    'SELECT drift_asked, drift_repair_asked, drift_answered FROM routers WHERE name = $1',
    [router],
  );
  return {
    asked: BigInt(row?.drift_asked ?? 0),
    repairAsked: BigInt(row?.drift_repair_asked ?? 0),
    answered: BigInt(row?.drift_answered ?? 0),
  };
}

/** Under the lock of the router's row, in `recordFindings`, it cannot change. */
async function policiesSetAt(sql: Sql, router: string): Promise<string> {
  const [row] = await sql.query<{ set_at: string }>(
    `SELECT coalesce(drift_policies_set_at::text, '') AS set_at FROM routers WHERE name = $1`,
    [router],
  );
  return row?.set_at ?? '';
}

export async function readDriftBook(sql: Sql, router: string): Promise<DriftBook> {
  const setAt = await policiesSetAt(sql, router); // before the rest: what is set meanwhile is noticed when it is recorded
  const rules = await sql.query<{ path: string; policy: DriftPolicy }>(
    'SELECT path, policy FROM drift_policies WHERE router = $1',
    [router],
  );
  const open = await sql.query<{ path: string; found: ConfigTree | null; repairing: boolean; contested: boolean }>(
    `SELECT path, found, repairing, contested FROM drift_items WHERE router = $1 AND state = 'open'`,
    [router],
  );
  const worn = await sql.query<{ path: string }>(
    `SELECT item.path FROM drift_items AS item JOIN routers ON routers.name = item.router
     WHERE item.router = $1 AND item.ended_by = 'repair' AND item.ended_at > now() - interval '1 hour'
       AND item.ended_at > coalesce(routers.drift_policies_set_at, '-infinity')
     GROUP BY item.path HAVING count(*) >= $2`,
    [router, mostRepairs],
  );
  return {
    policiesSetAt: setAt,
    rules: rules.map(({ path, policy }) => ({ path: path === '' ? [] : pathOfKey(path), policy })),
    open: new Map(
      open.map(({ path, found, repairing, contested }) => [path, { found: found ?? undefined, repairing, contested }]),
    ),
    worn: new Set(worn.map(({ path }) => path)),
  };
}

/** Records what a reading showed, and tells of it, in the caller's transaction. False: it was judged by policies that do not hold any more. */
export async function recordFindings(sql: Sql, send: Send, router: string, findings: DriftFindings): Promise<boolean> {
  if ((await policiesSetAt(sql, router)) !== findings.policiesSetAt) return false;
  const gone = await endGone(sql, router, findings);
  const before = await contestedPaths(sql, router, findings.found);
  const rows = await putFound(sql, router, findings.found);
  await putReport(sql, router, findings);
  await sql.execute('UPDATE routers SET drift_answered = greatest(drift_answered, $2) WHERE name = $1', [
    router,
    findings.answers,
  ]);
  const news = new Set(findings.found.filter(({ isNews }) => isNews).map(({ key }) => key));
  await tell(sql, send, router, [
    ['detected', rows.filter(({ path }) => news.has(path))],
    ['contested', rows.filter(({ path, contested }) => contested && !before.has(path))],
    ['cleared', gone],
  ]);
  return true;
}

/** What nothing differs at any more is gone; of what our batches left nothing is said. */
const endGone = (sql: Sql, router: string, { found, unjudged }: DriftFindings): Promise<DriftRow[]> =>
  sql.query<DriftRow>(
    `UPDATE drift_items SET state = 'gone', ended_at = now(), repairing = false, note = 'Somebody else put it right.'
     WHERE router = $1 AND state = 'open'
       AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS still (at) WHERE still.at = drift_items.path)
     RETURNING ${driftColumns}`,
    [router, [...found.map(({ key }) => key), ...unjudged]],
  );

async function contestedPaths(sql: Sql, router: string, found: readonly FoundDrift[]): Promise<ReadonlySet<string>> {
  if (!found.some(({ contested }) => contested)) return new Set();
  const rows = await sql.query<{ path: string }>(
    `SELECT path FROM drift_items WHERE router = $1 AND state = 'open' AND contested`,
    [router],
  );
  return new Set(rows.map(({ path }) => path));
}

async function putFound(sql: Sql, router: string, found: readonly FoundDrift[]): Promise<DriftRow[]> {
  if (found.length === 0) return [];
  const json = (tree: ConfigTree | undefined) => (tree === undefined ? null : JSON.stringify(tree));
  return sql.query<DriftRow>(
    `INSERT INTO drift_items AS known
       (router, path, resource_id, kind, expected, found, policy, repairing, contested, note, changed_after)
     SELECT $1, new.*, (SELECT looked_at FROM drift_reports WHERE router = $1)
     FROM unnest($2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::text[], $8::boolean[], $9::boolean[], $10::text[])
       AS new (path, resource_id, kind, expected, found, policy, repairing, contested, note)
     ON CONFLICT (router, path) WHERE state = 'open' DO UPDATE SET
       resource_id = excluded.resource_id, kind = excluded.kind, expected = excluded.expected, found = excluded.found,
       policy = excluded.policy, repairing = excluded.repairing, contested = excluded.contested, last_seen = now(),
       offer = CASE WHEN known.found IS DISTINCT FROM excluded.found OR excluded.policy <> 'accept' THEN '' ELSE known.offer END,
       note = CASE WHEN excluded.note = '' AND known.offer <> '' AND excluded.policy = 'accept'
         AND known.found IS NOT DISTINCT FROM excluded.found THEN known.note ELSE excluded.note END
     RETURNING ${driftColumns}`,
    [
      router,
      found.map(({ key }) => key),
      found.map(({ resourceId }) => resourceId),
      found.map(({ kind }) => kind),
      found.map(({ expected }) => json(expected)),
      found.map((one) => json(one.found)),
      found.map(({ policy }) => policy),
      found.map(({ repairing }) => repairing),
      found.map(({ contested }) => contested),
      found.map(({ note }) => note),
    ],
  );
}

/** What others changed of their own is kept until they change something again. */
async function putReport(sql: Sql, router: string, findings: DriftFindings): Promise<void> {
  const { found, foreign, unchanged, costMs } = findings;
  const count = (kind: string) => found.filter((one) => one.kind === kind).length;
  const countForeign = (kind: string) => foreign.filter((one) => one.kind === kind).length;
  const changes = {
    added: countForeign('added'),
    deleted: countForeign('deleted'),
    updated: countForeign('updated'),
    changes: foreign.slice(0, mostForeignChanges),
  };
  await sql.execute(
    `INSERT INTO drift_reports AS before (router, number, looked_at, cost_ms, added, deleted, updated, no_change, foreign_changes)
     VALUES ($1, 1, now(), $2, $3, $4, $5, $6, NULL)
     ON CONFLICT (router) DO UPDATE SET number = before.number + 1, looked_at = now(), cost_ms = $2, added = $3, deleted = $4,
       updated = $5, no_change = $6,
       foreign_changes = CASE WHEN $7::jsonb IS NULL THEN before.foreign_changes
         ELSE $7::jsonb || jsonb_build_object('after', before.looked_at, 'seenAt', now()) END`,
    [
      router,
      Math.round(costMs),
      count('added'),
      count('deleted'),
      count('updated'),
      unchanged,
      foreign.length === 0 ? null : JSON.stringify(changes),
    ],
  );
  await sql.execute(`DELETE FROM drift_items WHERE router = $1 AND ended_at < now() - interval '${keptDays} days'`, [
    router,
  ]);
}

const endings = {
  repair: { state: 'repaired', note: 'Berth undid it.', only: 'AND repairing' },
  change: { state: 'repaired', note: 'A change of the VM brought all of its lines to what it asked for.', only: '' },
  accepted: { state: 'accepted', note: 'What stands there is what is wanted now.', only: '' },
} as const;

/** Ends what was open on these resources, and tells of it, in the caller's transaction. */
export async function endMended(
  sql: Sql,
  send: Send,
  router: string,
  mended: readonly MendedResource[],
): Promise<void> {
  const ended: [DriftNews, DriftRow[]][] = [];
  for (const how of ['repair', 'change', 'accepted'] as const) {
    const ids = mended.filter((one) => one.how === how).map(({ resourceId }) => resourceId);
    if (ids.length === 0) continue;
    const { state, note, only } = endings[how];
    const rows = await sql.query<DriftRow>(
      `UPDATE drift_items SET state = $3, ended_at = now(), ended_by = $4, repairing = false, note = $5
       WHERE router = $1 AND state = 'open' AND resource_id = ANY($2) ${only} RETURNING ${driftColumns}`,
      [router, ids, state, how, note],
    );
    ended.push([state, rows]);
  }
  const all = ended.flatMap(([, rows]) => rows);
  if (all.length > 0) await tell(sql, send, router, [...ended, ['cleared', all]]);
}

/** `cleared` is told only when nothing is open any more. */
async function tell(
  sql: Sql,
  send: Send,
  router: string,
  news: readonly (readonly [DriftNews, readonly DriftRow[]])[],
): Promise<void> {
  if (news.every(([, rows]) => rows.length === 0)) return;
  const [now] = await sql.query<{ open: number; now_ms: number }>(
    `SELECT count(*)::integer AS open, round(extract(epoch FROM now()) * 1000)::float8 AS now_ms
     FROM drift_items WHERE router = $1 AND state = 'open'`,
    [router],
  );
  const at = { openItems: now?.open ?? 0, nowMs: now?.now_ms ?? 0 };
  for (const [what, rows] of news) {
    if (rows.length > 0 && (what !== 'cleared' || at.openItems === 0)) send(driftEvent(what, router, rows, at));
  }
}
