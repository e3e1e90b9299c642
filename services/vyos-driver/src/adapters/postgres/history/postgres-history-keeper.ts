import type { Database, Sql } from '@berth/database';
import { type HistoryKeeper, type HistorySettings, leastKept } from '../../../app/history/keep-history.ts';
import type { ConfigState } from '../../../domain/history/config-line.ts';
import { isSnapshotDue } from '../../../domain/history/history-entry.ts';
import { packLines } from './packed-lines.ts';
import { PostgresHistoryStore } from './postgres-history-store.ts';

/** What one step drops at most, so that no lock is held for long. */
const stepSize = 1_000;

/** Snapshots and retention. What is read to make a snapshot never changes, so no lock is needed for it; drops take turns by an advisory lock. */
export class PostgresHistoryKeeper implements HistoryKeeper {
  readonly #database: Database;
  readonly #store: PostgresHistoryStore;

  constructor(database: Database) {
    this.#database = database;
    this.#store = new PostgresHistoryStore(database);
  }

  async routers(): Promise<readonly string[]> {
    const rows = await this.#database.query<{ router: string }>(
      'SELECT router FROM history_commits GROUP BY router UNION SELECT name FROM routers ORDER BY 1',
    );
    return rows.map(({ router }) => router);
  }

  /** In the order of the history, so that none is missing where there was no keeper for a while. */
  async takeSnapshot(router: string): Promise<boolean> {
    const rows = await this.#database.query<{ number: string; bytes: number; snapshot_bytes: number }>(
      `SELECT entry.number, length(entry.changes) AS bytes, coalesce(length(last.content), 0) AS snapshot_bytes
       FROM (SELECT) AS one
       LEFT JOIN LATERAL (SELECT number, content FROM history_snapshots WHERE router = $1 ORDER BY number DESC LIMIT 1) AS last ON true
       JOIN history_commits AS entry ON entry.router = $1 AND entry.number > coalesce(last.number, 0)
       ORDER BY entry.number LIMIT ${stepSize}`,
      [router],
    );
    let bytes = 0;
    const due = rows.findIndex((row, at) => {
      bytes += row.bytes;
      return isSnapshotDue({ commits: at + 1, bytes, snapshotBytes: row.snapshot_bytes });
    });
    const number = rows[due]?.number;
    return number !== undefined && this.#keepState(router, BigInt(number));
  }

  async fold(router: string, settings: HistorySettings): Promise<boolean> {
    const horizon = await this.#horizon(router, settings);
    if (horizon === undefined) return false;
    if (!(await this.#keepState(router, horizon))) return false;
    return this.#inTurn(async (sql) => {
      const dropped = await sql.execute('DELETE FROM history_commits WHERE router = $1 AND number <= $2', [
        router,
        horizon,
      ]);
      await sql.execute('DELETE FROM history_resources WHERE router = $1 AND number <= $2', [router, horizon]);
      await sql.execute('DELETE FROM history_snapshots WHERE router = $1 AND number < $2', [router, horizon]);
      await sql.execute(
        `DELETE FROM fragment_versions AS old WHERE router = $1 AND number <= $2 AND (
           EXISTS (SELECT FROM fragment_versions AS newer WHERE newer.router = $1 AND newer.resource_id = old.resource_id
             AND newer.number > old.number AND newer.number <= $2)
           OR fragment IS NULL)`,
        [router, horizon],
      );
      return dropped > 0;
    });
  }

  /**
   * A batch goes when its entry is gone. What a resource ever had at a path is needed when the path is released, because what is saved may be older
   * than what runs: of a resource that owns a path the last applied change stays, with all since then, and all since the last save.
   */
  dropBatches(router: string): Promise<boolean> {
    return this.#inTurn(async (sql) => {
      const changes = await sql.execute(
        `DELETE FROM batch_changes USING (
           SELECT change.batch_id, change.resource_id FROM batches AS batch
           JOIN batch_changes AS change ON change.batch_id = batch.id
           WHERE ${droppable}
             AND (NOT EXISTS (SELECT FROM owned_paths AS owned WHERE owned.router = $1 AND owned.resource_id = change.resource_id)
               OR EXISTS (SELECT FROM batch_changes AS later JOIN batches AS ended ON ended.id = later.batch_id
                 WHERE later.router = $1 AND later.resource_id = change.resource_id AND ended.state = 'applied'
                   AND ended.sent_at > batch.sent_at))
           LIMIT ${stepSize}
         ) AS old WHERE batch_changes.batch_id = old.batch_id AND batch_changes.resource_id = old.resource_id`,
        [router],
      );
      const batches = await sql.execute(
        `DELETE FROM batches WHERE id IN (SELECT batch.id FROM batches AS batch WHERE ${droppable}
           AND NOT EXISTS (SELECT FROM batch_changes AS change WHERE change.batch_id = batch.id) LIMIT ${stepSize})`,
        [router],
      );
      return changes + batches > 0;
    });
  }

  dropVerdicts(days: number): Promise<boolean> {
    return this.#inTurn(async (sql) => {
      const dropped = await sql.execute(
        `DELETE FROM verdicts USING (
           SELECT old.router, old.resource_id, old.incarnation, old.number FROM verdicts AS old
           JOIN resources ON resources.router = old.router AND resources.resource_id = old.resource_id
           WHERE old.settled_at < now() - $1 * interval '1 day' AND resources.applied IS NULL AND NOT resources.waiting
             AND (old.incarnation, old.number) < (resources.settled_incarnation, resources.settled_number)
           LIMIT ${stepSize}
         ) AS old WHERE verdicts.router = old.router AND verdicts.resource_id = old.resource_id
           AND verdicts.incarnation = old.incarnation AND verdicts.number = old.number`,
        [days],
      );
      return dropped > 0;
    });
  }

  /** The newest entry that goes; undefined: none does. A few more than the settings say stay, since each fold writes a whole state. */
  async #horizon(router: string, { days, commits }: HistorySettings): Promise<bigint | undefined> {
    const most = Math.max(commits, leastKept);
    const [row] = await this.#database.query<{ horizon: string | null }>(
      `WITH kept AS (SELECT max(number) AS newest, min(number) AS oldest, min(ended_at) AS since FROM history_commits WHERE router = $1)
       SELECT greatest(
         CASE WHEN since < now() - $2 * interval '1 day' - interval '1 hour' THEN
           (SELECT max(number) FROM history_commits WHERE router = $1 AND ended_at < now() - $2 * interval '1 day'
             AND number <= newest - ${leastKept}) END,
         CASE WHEN newest - oldest >= $3::bigint + $4::bigint THEN newest - $3::bigint END
       ) AS horizon FROM kept`,
      [router, days, most, Math.floor(most / 20)],
    );
    return row?.horizon == null ? undefined : BigInt(row.horizon);
  }

  /** True: the snapshot is there. */
  async #keepState(router: string, number: bigint): Promise<boolean> {
    const state = await this.#store.stateAfter(router, number);
    if (state === undefined) return false; // folded by another replica meanwhile
    await this.#writeSnapshot(router, number, state);
    return true;
  }

  async #writeSnapshot(router: string, number: bigint, state: ConfigState): Promise<void> {
    await this.#database.execute(
      `INSERT INTO history_snapshots (router, number, ended_at, lines, content)
       SELECT router, number, ended_at, $3, $4 FROM history_commits WHERE router = $1 AND number = $2 ON CONFLICT DO NOTHING`,
      [router, number, state.size, packLines(state.values())],
    );
  }

  /** Nothing when another replica is at it. */
  #inTurn(work: (sql: Sql) => Promise<boolean>): Promise<boolean> {
    return this.#database.transaction(async (sql) => {
      const [row] = await sql.query<{ mine: boolean }>(
        `SELECT pg_try_advisory_xact_lock(hashtext('vyos_driver.history')) AS mine`,
      );
      return row?.mine === true && work(sql);
    });
  }
}

/** Without an entry (any more), and ended before the last save. */
const droppable = `batch.router = $1 AND batch.ended_at < now() - interval '1 day'
  AND batch.ended_at < (SELECT coalesce(saved_at, '-infinity') FROM routers WHERE name = $1)
  AND NOT EXISTS (SELECT FROM history_commits AS entry WHERE entry.id = batch.id)`;
