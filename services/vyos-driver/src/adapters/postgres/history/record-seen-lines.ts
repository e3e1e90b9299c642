import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { SeenLines } from '../../../app/router-ledger.ts';
import type { LineChange } from '../../../domain/history/config-line.ts';
import type { EntryKind } from '../../../domain/history/history-entry.ts';
import { changedLines, missingLines } from './config-line-rows.ts';
import { addEntry, beginLines, newestNumber } from './history-rows.ts';

/** Enters what a look showed and the history does not have: what others changed of theirs, and what was found changed of ours. */
export async function recordSeenLines(sql: Sql, router: string, epoch: bigint, seen: SeenLines): Promise<void> {
  const keys = seen.lines.map(({ key }) => key);
  const changes = [
    ...(await changedLines(sql, router, seen.lines)),
    ...(await missingLines(sql, router, seen.completeFor, keys)),
  ];
  if (await isFirstLook(sql, router)) return addBaseline(sql, router, epoch, changes);
  if (changes.length === 0) return;
  const ownerOf = ({ before, after }: LineChange) => before?.resourceId || after?.resourceId || '';
  const isRewritten = (change: LineChange) => seen.upgrade !== undefined && !seen.differing.has(ownerOf(change));
  const kinds = Map.groupBy(changes, (change) =>
    isRewritten(change) ? 'upgrade' : ownerOf(change) === '' ? 'foreign' : 'drift',
  );
  for (const kind of ['upgrade', 'foreign', 'drift'] as const) {
    await addSeen(sql, router, epoch, kind, kinds.get(kind) ?? [], kind === 'upgrade' ? seen.upgrade : '');
  }
}

/** Whether the history has nothing yet of the device that was registered last under the name. */
async function isFirstLook(sql: Sql, router: string): Promise<boolean> {
  const [row] = await sql.query<{ first: boolean }>(
    `SELECT NOT EXISTS (SELECT FROM history_commits WHERE router = name AND ended_at >= date_trunc('milliseconds', created_at))
       AND NOT EXISTS (SELECT FROM history_snapshots WHERE router = name AND ended_at >= date_trunc('milliseconds', created_at)) AS first
     FROM routers WHERE name = $1`,
    [router],
  );
  return row?.first ?? false;
}

/** What is there when a device is seen first. Where another one had the name before, nothing that stands comes from what was done on that. */
async function addBaseline(sql: Sql, router: string, epoch: bigint, changes: readonly LineChange[]): Promise<void> {
  const hadAnother = (await newestNumber(sql, router)) > 0n;
  await addSeen(sql, router, epoch, 'baseline', changes, hadAnother ? anotherDevice : '');
  if (hadAnother) await beginLines(sql, router);
}

const anotherDevice = 'The router was removed and added again: the history of another device begins here.';

async function addSeen(
  sql: Sql,
  router: string,
  epoch: bigint,
  kind: EntryKind,
  changes: readonly LineChange[],
  message = '',
): Promise<void> {
  if (changes.length === 0 && kind !== 'baseline') return;
  const touched = new Set(changes.flatMap(({ before, after }) => [before?.resourceId ?? '', after?.resourceId ?? '']));
  const resources = kind === 'drift' ? [...touched].filter((id) => id !== '') : [];
  await addEntry(sql, router, {
    id: randomUUID(),
    kind,
    state: 'observed',
    epoch,
    message,
    operations: 0,
    resources: resources.map((resourceId) => ({ resourceId, purpose: 'drift', causes: [] })),
    changes,
  });
}
