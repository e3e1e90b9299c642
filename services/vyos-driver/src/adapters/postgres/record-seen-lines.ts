import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { SeenLines } from '../../app/router-ledger.ts';
import type { LineChange } from '../../domain/config-line.ts';
import type { EntryKind } from '../../domain/history-entry.ts';
import { changedLines, missingLines } from './config-line-rows.ts';
import { addEntry, newestNumber } from './history-rows.ts';

/** Enters what a look showed and the history does not have: what others changed of theirs, and what was found changed of ours. */
export async function recordSeenLines(sql: Sql, router: string, epoch: bigint, seen: SeenLines): Promise<void> {
  const keys = seen.lines.map(({ key }) => key);
  const changes = [
    ...(await changedLines(sql, router, seen.lines)),
    ...(await missingLines(sql, router, seen.completeFor, keys)),
  ];
  const isFirst = (await newestNumber(sql, router)) === 0n;
  if (isFirst) return addSeen(sql, router, epoch, 'baseline', changes);
  if (changes.length === 0) return;
  const isForeign = ({ before, after }: LineChange) => (before?.resourceId || after?.resourceId || '') === '';
  await addSeen(sql, router, epoch, 'foreign', changes.filter(isForeign));
  await addSeen(
    sql,
    router,
    epoch,
    'drift',
    changes.filter((change) => !isForeign(change)),
  );
}

async function addSeen(
  sql: Sql,
  router: string,
  epoch: bigint,
  kind: EntryKind,
  changes: readonly LineChange[],
): Promise<void> {
  if (changes.length === 0 && kind !== 'baseline') return;
  const touched = new Set(changes.flatMap(({ before, after }) => [before?.resourceId ?? '', after?.resourceId ?? '']));
  const resources = kind === 'drift' ? [...touched].filter((id) => id !== '') : [];
  await addEntry(sql, router, {
    id: randomUUID(),
    kind,
    state: 'observed',
    epoch,
    message: '',
    operations: 0,
    resources: resources.map((resourceId) => ({ resourceId, purpose: 'drift', causes: [] })),
    changes,
  });
}
