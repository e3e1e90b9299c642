import type { Sql } from '@berth/database';
import type { Outbox, Send } from '@berth/messaging';
import type { ChangeInbox, ReceivedChange } from '../../../app/changes/receive-changes.ts';
import type { RejectionCode } from '../../../domain/changes/verdict.ts';
import { settledMessage, type VerdictRow, verdictColumns } from '../router-messages.ts';
import { withdrawChanges } from './withdraw-changes.ts';

/** A change that is judged without a router. */
interface Judged {
  readonly change: ReceivedChange;
  readonly code: RejectionCode;
  readonly text: string;
}

/** Changes in the `resources` table. */
export class PostgresChangeInbox implements ChangeInbox {
  readonly #outbox: Outbox;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  async store(changes: readonly ReceivedChange[]): Promise<void> {
    // The same order in every transaction: two replicas with the same resources then wait for each other instead of deadlocking.
    const sorted = changes.toSorted(byKey);
    await this.#outbox.transaction(async (sql, send) => {
      const known = await knownRouters(sql, sorted);
      const judged = judge(sorted, known);
      const newer = await upsert(sql, sorted, judged);
      await reject(
        sql,
        send,
        [...judged.values()].filter(({ change }) => newer.has(keyOf(change))),
      );
      await answerAgain(
        sql,
        send,
        sorted.filter((change) => !newer.has(keyOf(change))),
      );
    });
  }

  async withdraw(changes: readonly ReceivedChange[]): Promise<void> {
    await this.#outbox.transaction(async (sql, send) => {
      // In the order in which `store` locks them.
      const byRouter = Map.groupBy(changes.toSorted(byKey), (change) => change.router);
      for (const [router, ofRouter] of byRouter) await withdrawChanges(sql, send, router, ofRouter);
    });
  }
}

const keyOf = (change: { router: string; resourceId: string }): string => `${change.router}\n${change.resourceId}`;

const byKey = (a: ReceivedChange, b: ReceivedChange): number => (keyOf(a) < keyOf(b) ? -1 : 1);

async function knownRouters(sql: Sql, changes: readonly ReceivedChange[]): Promise<ReadonlySet<string>> {
  const names = [...new Set(changes.map((change) => change.router))];
  // With a lock that only the removal of a router waits for: it sees these changes, or they see that it is gone.
  const rows = await sql.query<{ name: string }>(
    'SELECT name FROM routers WHERE name = ANY($1) AND removed_at IS NULL ORDER BY name FOR KEY SHARE',
    [names],
  );
  return new Set(rows.map((row) => row.name));
}

function judge(changes: readonly ReceivedChange[], known: ReadonlySet<string>): ReadonlyMap<string, Judged> {
  const judged = new Map<string, Judged>();
  for (const change of changes) {
    if (!known.has(change.router)) {
      const text = `No router named ${change.router} is managed here.`;
      judged.set(keyOf(change), { change, code: 'ROUTER_UNKNOWN', text });
    } else if (change.problem !== undefined) {
      judged.set(keyOf(change), { change, code: 'CHANGE_INVALID', text: change.problem });
    }
  }
  return judged;
}

/** The keys of those that were newer. A judged one counts as settled from the start, and does not wait. */
async function upsert(
  sql: Sql,
  changes: readonly ReceivedChange[],
  judged: ReadonlyMap<string, Judged>,
): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ router: string; resource_id: string }>(
    `INSERT INTO resources AS known (router, resource_id, owner_group, wanted_incarnation, wanted_number, wanted, causes,
       operation_ids, adopts, settled_incarnation, settled_number)
     SELECT router, resource_id, owner_group, incarnation, number, wanted, causes,
       ARRAY(SELECT jsonb_array_elements_text(operations)), adopts,
       CASE WHEN judged THEN incarnation ELSE 0 END, CASE WHEN judged THEN number ELSE 0 END
     FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::jsonb[], $7::jsonb[], $8::jsonb[], $9::boolean[],
       $10::boolean[]) AS new (router, resource_id, owner_group, incarnation, number, wanted, causes, operations, judged, adopts)
     ON CONFLICT (router, resource_id) DO UPDATE SET
       owner_group = excluded.owner_group,
       wanted_incarnation = excluded.wanted_incarnation, wanted_number = excluded.wanted_number, wanted = excluded.wanted,
       causes = excluded.causes, operation_ids = excluded.operation_ids, adopts = excluded.adopts,
       queued = CASE WHEN known.waiting THEN known.queued ELSE excluded.queued END,
       received_at = excluded.received_at,
       settled_incarnation =
         CASE WHEN excluded.settled_number > 0 THEN excluded.settled_incarnation ELSE known.settled_incarnation END,
       settled_number = CASE WHEN excluded.settled_number > 0 THEN excluded.settled_number ELSE known.settled_number END
     WHERE (known.wanted_incarnation, known.wanted_number) < (excluded.wanted_incarnation, excluded.wanted_number)
     RETURNING router, resource_id`,
    [
      changes.map((change) => change.router),
      changes.map((change) => change.resourceId),
      changes.map((change) => change.ownerGroup),
      changes.map((change) => change.revision.incarnation),
      changes.map((change) => change.revision.number),
      changes.map((change) => JSON.stringify(change.wanted)),
      changes.map((change) => JSON.stringify(change.causes)),
      changes.map((change) => JSON.stringify(change.operationIds)),
      changes.map((change) => judged.has(keyOf(change))),
      changes.map((change) => change.adopts),
    ],
  );
  return new Set(rows.map((row) => keyOf({ router: row.router, resourceId: row.resource_id })));
}

async function reject(sql: Sql, send: Send, judged: readonly Judged[]): Promise<void> {
  if (judged.length === 0) return;
  const rows = await sql.query<VerdictRow>(
    `INSERT INTO verdicts (router, resource_id, incarnation, number, verdict, code, message)
     SELECT router, resource_id, incarnation, number, 'rejected', code, message
     FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[])
       AS new (router, resource_id, incarnation, number, code, message)
     ON CONFLICT DO NOTHING
     RETURNING ${verdictColumns}`,
    [
      judged.map(({ change }) => change.router),
      judged.map(({ change }) => change.resourceId),
      judged.map(({ change }) => change.revision.incarnation),
      judged.map(({ change }) => change.revision.number),
      judged.map(({ code }) => code),
      judged.map(({ text }) => text),
    ],
  );
  for (const row of rows) send(settledMessage(row));
}

/** A repeat is answered from its own verdict; an older revision from the first that was judged after it. One that still waits is not answered yet. */
async function answerAgain(sql: Sql, send: Send, changes: readonly ReceivedChange[]): Promise<void> {
  if (changes.length === 0) return;
  const rows = await sql.query<VerdictRow>(
    `SELECT verdict.* FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) AS asked (router, resource_id, incarnation, number)
     CROSS JOIN LATERAL (
       SELECT ${verdictColumns} FROM verdicts
       WHERE verdicts.router = asked.router AND verdicts.resource_id = asked.resource_id
         AND (verdicts.incarnation, verdicts.number) >= (asked.incarnation, asked.number)
       ORDER BY verdicts.incarnation, verdicts.number LIMIT 1
     ) AS verdict`,
    [
      changes.map((change) => change.router),
      changes.map((change) => change.resourceId),
      changes.map((change) => change.revision.incarnation),
      changes.map((change) => change.revision.number),
    ],
  );
  for (const row of rows) send(settledMessage(row));
}
