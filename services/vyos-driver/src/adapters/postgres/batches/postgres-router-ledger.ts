import type { Database, Sql } from '@berth/database';
import type { Outbox, Send } from '@berth/messaging';
import type { DriftBook, DriftFindings, DriftRequests } from '../../../app/drift/drift-book.ts';
import type { OwnedPath, ReleasedPath } from '../../../app/owned-paths.ts';
import {
  LeaseLost,
  type Look,
  type NewBatch,
  type OpenBatch,
  type OwnedResource,
  type RouterLedger,
  type RouterRecord,
  type SeenLines,
  type Settlement,
  type Standing,
  type WaitingChange,
} from '../../../app/router-ledger.ts';
import type { RouterState } from '../../../domain/routers/router-state.ts';
import { storeAdoptable } from '../adoption/adoptable-rows.ts';
import { endMended, readDriftBook, readDriftRequests, recordFindings } from '../drift/drift-rows.ts';
import { recordSeenLines } from '../history/record-seen-lines.ts';
import { type StatusRow, stateChangedMessage, statusColumns, statusMessage } from '../router-messages.ts';
import { readFileAsked, recordFileEnd } from '../routers/router-file-rows.ts';
import { readOpenBatch, writeBatchAhead } from './batch-rows.ts';
import { readOwnedPaths, readOwnedResources, readRecord, readWaiting } from './ledger-reads.ts';
import { recordSettlement } from './record-settlement.ts';

/** One router's ledger under one epoch of its lease. */
export class PostgresRouterLedger implements RouterLedger {
  readonly #database: Database;
  readonly #outbox: Outbox;
  readonly #router: string;
  readonly #epoch: bigint;
  readonly #connection: bigint | undefined;

  /** `connection`: of the settings that this session works with; undefined: of the environment, whatever is registered. */
  constructor(deps: { database: Database; outbox: Outbox }, router: string, epoch: bigint, connection?: bigint) {
    this.#connection = connection;
    this.#database = deps.database;
    this.#outbox = deps.outbox;
    this.#router = router;
    this.#epoch = epoch;
  }

  load(): Promise<RouterRecord> {
    return readRecord(this.#database, this.#router);
  }

  openBatch(): Promise<OpenBatch | undefined> {
    return readOpenBatch(this.#database, this.#router);
  }

  waiting(limit: number): Promise<{ changes: readonly WaitingChange[]; total: number }> {
    return readWaiting(this.#database, this.#router, limit);
  }

  ownedResources(): Promise<readonly OwnedResource[]> {
    return readOwnedResources(this.#database, this.#router);
  }

  ownedPaths(): Promise<readonly OwnedPath[]> {
    return readOwnedPaths(this.#database, this.#router);
  }

  writeAhead(batch: NewBatch): Promise<readonly string[]> {
    return this.#asHolder(async (sql) => {
      await this.#assertStillWanted(sql);
      return writeBatchAhead(sql, this.#router, this.#epoch, batch);
    });
  }

  noteSendingAgain(batchId: string, note: string): Promise<void> {
    return this.#asHolder(async (sql) => {
      await sql.execute(
        "UPDATE batches SET sent_at = clock_timestamp(), outcome = $2 WHERE id = $1 AND state = 'sending'",
        [batchId, note],
      );
    });
  }

  settle(settlement: Settlement): Promise<readonly ReleasedPath[]> {
    return this.#asHolder(async (sql, send) => {
      const released = await recordSettlement(sql, send, this.#router, settlement);
      await endMended(sql, send, this.#router, settlement.mended ?? []);
      return released;
    });
  }

  driftRequests(): Promise<DriftRequests> {
    return readDriftRequests(this.#database, this.#router);
  }

  driftBook(): Promise<DriftBook> {
    return readDriftBook(this.#database, this.#router);
  }

  recordDrift(findings: DriftFindings): Promise<boolean> {
    return this.#asHolder((sql, send) => recordFindings(sql, send, this.#router, findings));
  }

  fileAsked(): Promise<string | undefined> {
    return readFileAsked(this.#database, this.#router);
  }

  recordFile(name: string, message: string): Promise<void> {
    return this.#asHolder((sql) => recordFileEnd(sql, this.#router, name, message));
  }

  recordLook(look: Look): Promise<void> {
    return this.#asHolder(async (sql, send) => {
      const changed = await sql.execute(
        `UPDATE routers SET version = $2, profile = $3::jsonb,
           inventory = inventory + CASE WHEN $5 THEN 1 ELSE 0 END, inventory_hash = $4
         WHERE name = $1 AND (version <> $2 OR profile IS DISTINCT FROM $3::jsonb OR $5)`,
        [this.#router, look.version, JSON.stringify(look.profile), look.inventoryHash, look.holdings !== undefined],
      );
      await sql.execute('UPDATE routers SET inventory_read_at = now(), inventory_cost_ms = $2 WHERE name = $1', [
        this.#router,
        Math.round(look.costMs),
      ]);
      if (look.holdings !== undefined) await this.#replaceHoldings(sql, look.holdings);
      await storeAdoptable(sql, this.#router, look.adoptable);
      if (look.back.length > 0) {
        const paths =
          'UPDATE owned_paths SET released_at = NULL, released_content = NULL WHERE router = $1 AND path = ANY($2)';
        await sql.execute(paths, [this.#router, look.back]);
      }
      if (look.lost.length > 0) {
        await sql.execute('DELETE FROM owned_paths WHERE router = $1 AND released_at IS NOT NULL AND path = ANY($2)', [
          this.#router,
          look.lost,
        ]);
      }
      if (look.renamed.length > 0) {
        await sql.execute(
          `UPDATE owned_paths SET path = renamed.now, released_at = NULL, released_content = NULL
           FROM unnest($2::text[], $3::text[]) AS renamed (was, now) WHERE router = $1 AND path = renamed.was`,
          [this.#router, look.renamed.map(({ from }) => from), look.renamed.map(({ to }) => to)],
        );
      }
      if (changed > 0) await this.#tellAll(sql, send);
    });
  }

  recordSeen(seen: SeenLines): Promise<void> {
    return this.#asHolder((sql) => recordSeenLines(sql, this.#router, this.#epoch, seen));
  }

  recordSaved(appliedCount: bigint): Promise<void> {
    return this.#asHolder(async (sql) => {
      await sql.execute(
        'UPDATE routers SET saved_count = greatest(saved_count, $2), saved_at = now() WHERE name = $1',
        [this.#router, appliedCount],
      );
      await sql.execute('DELETE FROM owned_paths WHERE router = $1 AND released_at <= $2', [
        this.#router,
        appliedCount,
      ]);
    });
  }

  tell(standing: Standing): Promise<void> {
    return this.#asHolder(async (sql, send) => {
      const [before] = await sql.query<{ state: RouterState }>('SELECT state FROM routers WHERE name = $1', [
        this.#router,
      ]);
      await sql.execute(
        `UPDATE routers SET since = CASE WHEN state = $2 THEN since ELSE now() END, state = $2, reason = $3,
           retry_at = now() + $4 * interval '1 millisecond'
         WHERE name = $1 AND enabled`,
        [this.#router, standing.state, standing.reason, standing.retryAfterMs ?? null],
      );
      const row = await this.#tellAll(sql, send);
      if (row !== undefined && before !== undefined && before.state !== standing.state) {
        send(stateChangedMessage(row, before.state));
      }
    });
  }

  async #replaceHoldings(sql: Sql, holdings: NonNullable<Look['holdings']>): Promise<void> {
    await sql.execute('DELETE FROM foreign_holdings WHERE router = $1', [this.#router]);
    await sql.execute(
      `INSERT INTO foreign_holdings (router, inventory, position, holding)
       SELECT $1, (SELECT inventory FROM routers WHERE name = $1), position, holding
       FROM unnest($2::jsonb[]) WITH ORDINALITY AS held (holding, position)`,
      [this.#router, holdings.map((holding) => JSON.stringify(holding))],
    );
  }

  async #tellAll(sql: Sql, send: Send): Promise<StatusRow | undefined> {
    const [row] = await sql.query<StatusRow>(
      `UPDATE routers SET status_sequence = CASE WHEN status_epoch = $2 THEN status_sequence + 1 ELSE 1 END, status_epoch = $2
       WHERE name = $1 RETURNING ${statusColumns}`,
      [this.#router, this.#epoch],
    );
    if (row !== undefined) send(statusMessage(row));
    return row;
  }

  /** Nothing new is begun on a router that was switched off, or with settings that were changed, though this process has not heard of it. */
  async #assertStillWanted(sql: Sql): Promise<void> {
    const wanted = await sql.query(
      'SELECT FROM routers WHERE name = $1 AND enabled AND ($2::bigint IS NULL OR connection = $2)',
      [this.#router, this.#connection ?? null],
    );
    if (wanted.length === 0) throw new LeaseLost(`the settings of router ${this.#router} were changed`);
  }

  /** The row lock makes a take-over wait for this transaction, or this transaction see the take-over. */
  #asHolder<T>(work: (sql: Sql, send: Send) => Promise<T>): Promise<T> {
    return this.#outbox.transaction(async (sql, send) => {
      const held = await sql.query(
        'SELECT FROM routers WHERE name = $1 AND lease_epoch = $2 AND lease_holder IS NOT NULL FOR NO KEY UPDATE',
        [this.#router, this.#epoch],
      );
      if (held.length === 0) throw new LeaseLost(`epoch ${this.#epoch} of router ${this.#router} is over`);
      return work(sql, send);
    });
  }
}
