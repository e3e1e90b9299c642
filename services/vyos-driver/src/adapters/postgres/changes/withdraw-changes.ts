import type { Sql } from '@berth/database';
import type { Send } from '@berth/messaging';
import { compareRevisions, type Revision } from '../../../domain/changes/revision.ts';
import type { Cause } from '../../../domain/changes/verdict.ts';
import { judge } from '../batches/record-settlement.ts';
import { lockResources } from '../batches/settled-meanwhile.ts';

/** One revision of one resource. */
export interface ChangeRef {
  readonly resourceId: string;
  readonly revision: Revision;
}

/** How taking a change back came out; `unknown`: the driver has not received it yet. */
export type WithdrawalOutcome = 'withdrawn' | 'under_way' | 'settled' | 'not_yours' | 'unknown';

/** Whether somebody may withdraw a change of this group that these asked for. */
export type MayWithdraw = (ownerGroup: string, causes: readonly Cause[]) => boolean;

interface Row {
  /** Of the change in the question, from 1. */
  readonly place: number;
  readonly owner_group: string;
  readonly causes: readonly Cause[];
  readonly wanted_incarnation: string;
  readonly wanted_number: string;
  readonly verdict: string | null;
  readonly settled: boolean;
  readonly begun: boolean;
}

/**
 * Settles each of these changes as withdrawn that waits and that no batch has begun with, under the locks that writing a batch ahead takes
 * too: one of the two comes first. A batch that surely was never sent has not begun. Repeatable. The outcomes are in the order of the changes.
 */
export async function withdrawChanges(
  sql: Sql,
  send: Send,
  router: string,
  changes: readonly ChangeRef[],
  mayWithdraw: MayWithdraw = () => true,
): Promise<readonly WithdrawalOutcome[]> {
  await lockResources(
    sql,
    router,
    changes.map(({ resourceId }) => resourceId),
  );
  const rows = await read(sql, router, changes);
  const outcomes = changes.map((change, at) => outcomeOf(change, rows.get(at + 1), mayWithdraw));
  const open = changes.filter((_, at) => outcomes[at] === 'open');
  await judge(
    sql,
    send,
    router,
    open.map(({ resourceId, revision }) => ({ resourceId, revision, verdict: 'withdrawn', code: '', text: '' })),
    undefined,
  );
  return outcomes.map((outcome) => (outcome === 'open' ? 'withdrawn' : outcome));
}

async function read(sql: Sql, router: string, changes: readonly ChangeRef[]): Promise<ReadonlyMap<number, Row>> {
  const rows = await sql.query<Row>(
    `SELECT asked.place::integer AS place, owner_group, known.causes, wanted_incarnation, wanted_number, verdicts.verdict,
       (settled_incarnation, settled_number) >= (asked.incarnation, asked.number) AS settled,
       EXISTS (SELECT FROM batch_changes AS change JOIN batches ON batches.id = change.batch_id
         WHERE change.router = $1 AND change.resource_id = known.resource_id AND change.purpose = 'change'
           AND (change.incarnation, change.number) = (asked.incarnation, asked.number) AND batches.state <> 'not_applied') AS begun
     FROM unnest($2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS asked (resource_id, incarnation, number, place)
     JOIN resources AS known ON known.router = $1 AND known.resource_id = asked.resource_id
     LEFT JOIN verdicts ON verdicts.router = $1 AND verdicts.resource_id = asked.resource_id
       AND verdicts.incarnation = asked.incarnation AND verdicts.number = asked.number`,
    [
      router,
      changes.map(({ resourceId }) => resourceId),
      changes.map(({ revision }) => revision.incarnation),
      changes.map(({ revision }) => revision.number),
    ],
  );
  return new Map(rows.map((row) => [row.place, row]));
}

function outcomeOf(
  { revision }: ChangeRef,
  row: Row | undefined,
  mayWithdraw: MayWithdraw,
): WithdrawalOutcome | 'open' {
  if (row === undefined) return 'unknown';
  if (!mayWithdraw(row.owner_group, row.causes)) return 'not_yours';
  if (row.verdict === 'withdrawn') return 'withdrawn';
  if (row.verdict !== null || row.settled) return 'settled';
  const wanted = { incarnation: BigInt(row.wanted_incarnation), number: BigInt(row.wanted_number) };
  const order = compareRevisions(wanted, revision);
  if (order < 0) return 'unknown';
  if (order > 0) return 'settled'; // a newer one has taken its place
  return row.begun ? 'under_way' : 'open';
}
