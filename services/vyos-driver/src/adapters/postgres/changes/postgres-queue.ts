import type { Database } from '@berth/database';
import type { Outbox } from '@berth/messaging';
import { type CostModel, initialCostModel } from '../../../domain/batches/cost-model.ts';
import type { QueueCost } from '../../../domain/batches/queue-eta.ts';
import type { RouterState } from '../../../domain/routers/router-state.ts';
import { inTurns } from '../in-turns.ts';
import { type ChangeRef, type MayWithdraw, type WithdrawalOutcome, withdrawChanges } from './withdraw-changes.ts';

/** The commit that has been written ahead and not ended. Moments in milliseconds since 1970. */
export interface RunningBatch {
  readonly id: string;
  readonly startedMs: number;
  readonly estimateMs: number;
  readonly elapsedMs: number;
  readonly resources: number;
}

/** How a router's queue stands. */
export interface QueueState {
  readonly state: RouterState;
  readonly waiting: number;
  readonly running: RunningBatch | undefined;
  readonly cost: QueueCost;
}

/** Where one change stands. Moments in milliseconds since 1970. */
export interface PlaceRow {
  readonly resource_id: string;
  readonly incarnation: string;
  readonly number: string;
  readonly owner_group: string;
  readonly principals: readonly string[];
  readonly settled: boolean;
  readonly received_ms: number | null;
  readonly batch_id: string | null;
  readonly batch_state: string | null;
  readonly batch_ms: number | null;
  readonly settled_ms: number | null;
  readonly saved_ms: number | null;
  /** Null when it does not wait. Beyond 10,000 it is not counted further. */
  readonly position: number | null;
}

/** Of so many commits what a change cost lately is learnt. */
const recentBatches = 12;

/** Places are counted so far. */
const mostRanked = 10_000;
const someWait =
  'EXISTS (SELECT FROM resources AS own WHERE own.router = $1 AND own.waiting AND own.resource_id = ANY($2::text[]))';

const ms = (moment: string) => `round(extract(epoch FROM ${moment}) * 1000)::float8`;

/** What waits for routers, out of the tables alone. */
export class PostgresQueue {
  readonly #database: Database;
  readonly #outbox: Outbox;

  constructor(deps: { database: Database; outbox: Outbox }) {
    this.#database = deps.database;
    this.#outbox = deps.outbox;
  }

  /** Undefined for a router that is not known, or was removed. */
  async stateOf(router: string): Promise<QueueState | undefined> {
    const [row] = await this.#database.query<{
      state: RouterState;
      cost_model: CostModel | null;
      size: number;
      waiting: number;
      batch_id: string | null;
      started_ms: number | null;
      estimate_ms: number | null;
      elapsed_ms: number | null;
      resources: number;
      recent: number;
      recent_ms: number | null;
      recent_changes: number;
    }>(
      `SELECT routers.state, cost_model,
         (SELECT count(*) FROM owned_paths WHERE router = name)::integer
           + (SELECT count(*) FROM foreign_holdings AS held WHERE held.router = name AND held.inventory = routers.inventory
                AND held.holding ->> 'kind' IN ('rule_number', 'mapping_name'))::integer AS size,
         (SELECT count(*) FROM resources WHERE router = name AND waiting)::integer AS waiting,
         batch.id AS batch_id, ${ms('batch.sent_at')} AS started_ms, batch.estimate_ms,
         extract(epoch FROM clock_timestamp() - batch.sent_at)::float8 * 1000 AS elapsed_ms,
         (SELECT count(*) FROM batch_changes WHERE batch_id = batch.id)::integer AS resources,
         recent.batches AS recent, recent.duration_ms AS recent_ms, recent.changes AS recent_changes
       FROM routers LEFT JOIN batches AS batch ON batch.router = name AND batch.state = 'sending'
       CROSS JOIN LATERAL (
         SELECT count(*)::integer AS batches, sum(duration_ms)::float8 AS duration_ms, coalesce(sum(changes), 0)::integer AS changes
         FROM (SELECT duration_ms, (SELECT count(*) FROM batch_changes WHERE batch_id = id) AS changes FROM batches
               WHERE router = name AND state = 'applied' AND duration_ms IS NOT NULL ORDER BY sent_at DESC LIMIT ${recentBatches}) AS last
       ) AS recent
       WHERE name = $1 AND removed_at IS NULL`,
      [router],
    );
    if (row === undefined) return undefined;
    return {
      state: row.state,
      waiting: row.waiting,
      running:
        row.batch_id === null
          ? undefined
          : {
              id: row.batch_id,
              startedMs: row.started_ms ?? 0,
              estimateMs: row.estimate_ms ?? 0,
              elapsedMs: Math.max(0, row.elapsed_ms ?? 0),
              resources: row.resources,
            },
      cost: {
        model: row.cost_model ?? initialCostModel,
        size: row.size,
        recent: { batches: row.recent, durationMs: row.recent_ms ?? 0, changes: row.recent_changes },
      },
    };
  }

  /** Where these changes stand; those that are not known are absent. */
  places(router: string, changes: readonly ChangeRef[]): Promise<readonly PlaceRow[]> {
    return this.#database.query<PlaceRow>(
      `WITH RECURSIVE ${inTurns(String(mostRanked), someWait)}, ranks AS MATERIALIZED (
         SELECT resource_id, row_number() OVER (ORDER BY turn, queued) AS position FROM in_turns
       )
       SELECT asked.resource_id, asked.incarnation, asked.number, known.owner_group,
         ARRAY(SELECT cause ->> 'principalId' FROM jsonb_array_elements(known.causes) AS cause) AS principals,
         (settled_incarnation, settled_number) >= (asked.incarnation, asked.number) AS settled,
         CASE WHEN (wanted_incarnation, wanted_number) = (asked.incarnation, asked.number) THEN ${ms('known.received_at')} END AS received_ms,
         batch.id AS batch_id, batch.state AS batch_state, ${ms('batch.sent_at')} AS batch_ms,
         ${ms('verdict.settled_at')} AS settled_ms,
         CASE WHEN verdict.verdict = 'applied' AND routers.saved_at >= verdict.settled_at THEN ${ms('routers.saved_at')} END AS saved_ms,
         CASE WHEN known.waiting THEN coalesce(ranks.position, ${mostRanked} + 1)::integer END AS position
       FROM unnest($2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS asked (resource_id, incarnation, number, place)
       JOIN routers ON routers.name = $1
       JOIN resources AS known ON known.router = $1 AND known.resource_id = asked.resource_id
       LEFT JOIN ranks ON known.waiting AND ranks.resource_id = known.resource_id
       LEFT JOIN LATERAL (
         SELECT batches.id, batches.state, batches.sent_at FROM batch_changes AS change JOIN batches ON batches.id = change.batch_id
         WHERE change.router = $1 AND change.resource_id = asked.resource_id AND change.purpose = 'change'
           AND (change.incarnation, change.number) = (asked.incarnation, asked.number) AND batches.state <> 'not_applied'
         ORDER BY batches.sent_at DESC LIMIT 1
       ) AS batch ON true
       LEFT JOIN verdicts AS verdict ON verdict.router = $1 AND verdict.resource_id = asked.resource_id
         AND verdict.incarnation = asked.incarnation AND verdict.number = asked.number
       ORDER BY place`,
      [
        router,
        changes.map(({ resourceId }) => resourceId),
        changes.map(({ revision }) => revision.incarnation),
        changes.map(({ revision }) => revision.number),
      ],
    );
  }

  /** See `withdrawChanges`. */
  withdraw(
    router: string,
    changes: readonly ChangeRef[],
    mayWithdraw: MayWithdraw,
  ): Promise<readonly WithdrawalOutcome[]> {
    return this.#outbox.transaction((sql, send) => withdrawChanges(sql, send, router, changes, mayWithdraw));
  }
}
