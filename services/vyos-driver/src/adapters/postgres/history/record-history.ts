import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { Send } from '@berth/messaging';
import type { BatchChange, Settlement, StoredContent } from '../../../app/router-ledger.ts';
import type { OwnedContent } from '../../../domain/changes/plan.ts';
import type { Cause } from '../../../domain/changes/verdict.ts';
import { kindOfBatch, stateOfBatch } from '../../../domain/history/history-entry.ts';
import { commitMessage } from './commit-message.ts';
import { acceptLines, changedLines, forgetMissing, type LineNow } from './config-line-rows.ts';
import { addEntry, type EntryPlace, type NewEntry, newestNumber, originOf } from './history-rows.ts';

/**
 * The settlement's part in the history, in its transaction: the entry of the batch that ended, what stands after it, and what each resource is
 * since then. What stands after an applied batch is what was asked; after any other what was read.
 */
export async function recordHistory(sql: Sql, send: Send, router: string, settlement: Settlement): Promise<void> {
  const { batch, applied = [], rejected = [] } = settlement;
  const entry =
    batch === undefined
      ? await recordWithoutCommit(sql, router, settlement)
      : await recordBatch(sql, send, router, batch, settlement.standing);
  await recordFragments(sql, router, applied, entry?.number);
  await forgetMissing(
    sql,
    router,
    [...applied, ...rejected].map(({ resourceId }) => resourceId),
  );
}

interface ChangeRow {
  readonly resource_id: string;
  readonly purpose: BatchChange['purpose'];
  readonly causes: readonly Cause[];
  readonly before: StoredContent;
  readonly after: StoredContent;
}

async function recordBatch(
  sql: Sql,
  send: Send,
  router: string,
  end: NonNullable<Settlement['batch']>,
  standing: Settlement['standing'],
): Promise<EntryPlace | undefined> {
  if (end.state === 'not_applied') return undefined;
  const [batch] = await sql.query<{ epoch: string; operations: number; estimate_ms: number; sent_at: string }>(
    `SELECT epoch, jsonb_array_length(operations) AS operations, estimate_ms, sent_at FROM batches
     WHERE id = $1 AND NOT EXISTS (SELECT FROM history_commits AS entry WHERE entry.id = batches.id)`,
    [end.id],
  );
  if (batch === undefined) return undefined;
  const rows = await sql.query<ChangeRow>(
    'SELECT resource_id, purpose, causes, before, after FROM batch_changes WHERE batch_id = $1 ORDER BY resource_id',
    [end.id],
  );
  const lines = rows.flatMap((row) =>
    linesAfter(row, end.state === 'applied', standing?.get(row.resource_id), standing),
  );
  const changes = await changedLines(sql, router, oneForEachPath(lines));
  const state = stateOfBatch(end.state, changes.length);
  if (state === undefined) return undefined;
  const entry: NewEntry = {
    id: end.id,
    kind: kindOfBatch(rows.map(({ purpose }) => purpose)),
    state,
    startedAt: batch.sent_at,
    ...(end.durationMs !== undefined && { durationMs: end.durationMs }),
    estimateMs: batch.estimate_ms,
    epoch: BigInt(batch.epoch),
    message: end.outcome,
    operations: batch.operations,
    resources: rows.map(({ resource_id, purpose, causes }) => ({ resourceId: resource_id, purpose, causes })),
    changes,
  };
  const place = await addEntry(sql, router, entry);
  send(commitMessage(router, entry, place));
  return place;
}

/** What stands of a resource after the batch, at every path that the batch or the reading names. Nothing when neither tells of a change. */
function linesAfter(
  { resource_id: resourceId, before, after }: ChangeRow,
  isApplied: boolean,
  read: OwnedContent | undefined,
  standing: Settlement['standing'],
): LineNow[] {
  if (!isApplied && standing === undefined) return [];
  const stands = isApplied ? new Map(Object.entries(after)) : (read ?? new Map());
  const keys = new Set([...Object.keys(before), ...Object.keys(after), ...stands.keys()]);
  return [...keys].map((key) => ({ key, resourceId, content: stands.get(key) }));
}

/** A path that one resource gave up and another took in the same batch is the other's. */
function oneForEachPath(lines: readonly LineNow[]): LineNow[] {
  const byKey = new Map<string, LineNow>();
  for (const line of lines) if (line.content !== undefined || !byKey.has(line.key)) byKey.set(line.key, line);
  return [...byKey.values()];
}

async function recordWithoutCommit(
  sql: Sql,
  router: string,
  { applied = [], mended = [] }: Settlement,
): Promise<EntryPlace | undefined> {
  const adopted = await recordAdopted(sql, router, applied);
  const accepted = await recordAccepted(
    sql,
    router,
    mended.filter(({ how }) => how === 'accepted').map(({ resourceId }) => resourceId),
  );
  return accepted ?? adopted;
}

/** What others changed is what is wanted now: the lines say who accepted it beside who put them there. */
async function recordAccepted(
  sql: Sql,
  router: string,
  resourceIds: readonly string[],
): Promise<EntryPlace | undefined> {
  if (resourceIds.length === 0) return undefined;
  const rows = await sql.query<{ resource_id: string; causes: readonly Cause[] }>(
    `SELECT resource_id, causes FROM resources WHERE router = $1 AND resource_id = ANY($2) ORDER BY resource_id COLLATE "C"`,
    [router, resourceIds],
  );
  const entry: NewEntry = {
    id: randomUUID(),
    kind: 'accepted',
    state: 'applied',
    epoch: 0n,
    message: '',
    operations: 0,
    resources: rows.map(({ resource_id, causes }) => ({ resourceId: resource_id, purpose: 'change', causes })),
    changes: [],
  };
  const place = await addEntry(sql, router, entry);
  await acceptLines(sql, router, resourceIds, originOf(entry, place));
  return place;
}

/** Lines that stood already and became a resource's without a commit: nothing changed on the router but whose they are. */
async function recordAdopted(
  sql: Sql,
  router: string,
  applied: NonNullable<Settlement['applied']>,
): Promise<EntryPlace | undefined> {
  if (applied.length === 0) return undefined;
  const rows = await sql.query<{
    path: string;
    resource_id: string;
    content: LineNow['content'];
    causes: readonly Cause[];
  }>(
    `SELECT line.path, owned.resource_id, line.content, resources.causes FROM owned_paths AS owned
     JOIN config_lines AS line ON line.router = owned.router AND line.path = owned.path COLLATE "C"
     JOIN resources ON resources.router = owned.router AND resources.resource_id = owned.resource_id
     WHERE owned.router = $1 AND owned.resource_id = ANY($2) AND owned.released_at IS NULL
       AND line.resource_id <> owned.resource_id AND line.content IS NOT NULL`,
    [router, applied.map(({ resourceId }) => resourceId)],
  );
  if (rows.length === 0) return undefined;
  const lines = rows.map(({ path, resource_id, content }) => ({ key: path, resourceId: resource_id, content }));
  const causes = new Map(rows.map((row) => [row.resource_id, row.causes]));
  return addEntry(sql, router, {
    id: randomUUID(),
    kind: 'adoption',
    state: 'applied',
    epoch: 0n,
    message: '',
    operations: 0,
    resources: [...causes].map(([resourceId, some]) => ({ resourceId, purpose: 'change', causes: some })),
    changes: await changedLines(sql, router, lines),
  });
}

async function recordFragments(
  sql: Sql,
  router: string,
  applied: NonNullable<Settlement['applied']>,
  number: bigint | undefined,
): Promise<void> {
  if (applied.length === 0) return;
  await sql.execute(
    `INSERT INTO fragment_versions (router, resource_id, number, fragment, owner_group)
     SELECT $1, resource_id, $3, applied, owner_group FROM resources WHERE router = $1 AND resource_id = ANY($2)
     ON CONFLICT (router, resource_id, number) DO UPDATE SET fragment = excluded.fragment, owner_group = excluded.owner_group`,
    [router, applied.map(({ resourceId }) => resourceId), number ?? (await newestNumber(sql, router))],
  );
}
