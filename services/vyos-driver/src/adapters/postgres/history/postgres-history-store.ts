import type { Database } from '@berth/database';
import type { HistoryStore, Moment } from '../../../app/history/read-history.ts';
import { ownerOf } from '../../../domain/changes/plan-changes.ts';
import {
  afterChanges,
  type ConfigLine,
  type ConfigState,
  type LineChange,
} from '../../../domain/history/config-line.ts';
import type { LineOperation } from '../../../domain/history/line-operations.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';
import { newestNumber } from './history-rows.ts';
import { unpackChanges, unpackLines } from './packed-lines.ts';

/** A snapshot taken while it is read may replace the entries that were to be read. */
const readings = 3;

/** The history in `history_commits` and `history_snapshots`. */
export class PostgresHistoryStore implements HistoryStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async numberAt(router: string, moment: Moment | undefined): Promise<bigint | undefined> {
    const [known] = await this.#database.query<{ known: boolean }>(
      `SELECT EXISTS (SELECT FROM routers WHERE name = $1) OR EXISTS (SELECT FROM history_commits WHERE router = $1) AS known`,
      [router],
    );
    if (!known?.known) throw routerUnknown(router);
    if (moment === undefined) return (await newestNumber(this.#database, router)) || undefined;
    const [row] = await this.#find(router, moment);
    return row && BigInt(row.number);
  }

  #find(router: string, moment: Moment): Promise<{ number: string }[]> {
    const commits = 'SELECT number FROM history_commits WHERE router = $1';
    if (moment.kind === 'id') return this.#database.query(`${commits} AND id = $2`, [router, moment.id]);
    if (moment.kind === 'number') return this.#database.query(`${commits} AND number = $2`, [router, moment.number]);
    // The last entry that is not kept any more lives on as a snapshot.
    return this.#database.query(
      `SELECT number FROM (
         (SELECT number FROM history_commits WHERE router = $1 AND ended_at <= $2 ORDER BY ended_at DESC, number DESC LIMIT 1)
         UNION ALL (SELECT number FROM history_snapshots WHERE router = $1 AND ended_at <= $2 ORDER BY number DESC LIMIT 1)
       ) AS found ORDER BY number DESC LIMIT 1`,
      [router, moment.at],
    );
  }

  /** The nearest snapshot before it, and the changes since then. */
  async stateAfter(router: string, number: bigint): Promise<ConfigState | undefined> {
    for (let reading = 1; reading <= readings; reading++) {
      const [snapshot] = await this.#database.query<{ number: string; content: Buffer }>(
        `SELECT number, content FROM history_snapshots WHERE router = $1 AND number <= $2 ORDER BY number DESC LIMIT 1`,
        [router, number],
      );
      const from = BigInt(snapshot?.number ?? 0);
      const rows = await this.#database.query<{ changes: Buffer }>(
        'SELECT changes FROM history_commits WHERE router = $1 AND number > $2 AND number <= $3 ORDER BY number',
        [router, from, number],
      );
      if (BigInt(rows.length) !== number - from) continue;
      const lines = snapshot === undefined ? [] : unpackLines(snapshot.content);
      const state = new Map(lines.map((line): [string, ConfigLine] => [line.key, line]));
      return afterChanges(
        state,
        rows.flatMap(({ changes }) => unpackChanges(changes)),
      );
    }
    return undefined;
  }

  async changesOf(router: string, number: bigint): Promise<readonly LineChange[] | undefined> {
    const [row] = await this.#database.query<{ changes: Buffer }>(
      'SELECT changes FROM history_commits WHERE router = $1 AND number = $2',
      [router, number],
    );
    return row && unpackChanges(row.changes);
  }

  async sentWith(router: string, number: bigint): Promise<readonly LineOperation[] | undefined> {
    const [batch] = await this.#database.query<{ operations: readonly (readonly string[])[]; id: string }>(
      `SELECT batches.id, batches.operations FROM history_commits AS entry JOIN batches USING (id)
       WHERE entry.router = $1 AND entry.number = $2`,
      [router, number],
    );
    if (batch === undefined) return undefined;
    const owners = await this.#database.query<{ path: string; resource_id: string }>(
      `SELECT DISTINCT path, resource_id FROM batch_changes
       CROSS JOIN LATERAL (SELECT jsonb_object_keys(before) UNION SELECT jsonb_object_keys(after)) AS keys (path) WHERE batch_id = $1`,
      [batch.id],
    );
    const resources = new Map(owners.map(({ path, resource_id }) => [path, resource_id]));
    const keys = new Set(resources.keys());
    return batch.operations.map(([op, ...path]) => ({
      op: op === 'delete' ? 'delete' : 'set',
      path,
      resourceId: resources.get(ownerOf(path, keys) ?? '') ?? '',
    }));
  }
}
