import { randomUUID } from 'node:crypto';
import type { ConfigureOutcome } from '../../domain/answers/answer.ts';
import { httpTimeoutMs } from '../../domain/batches/choose-batch.ts';
import { estimateMs } from '../../domain/batches/cost-model.ts';
import type { Fragment } from '../../domain/changes/fragment.ts';
import type { OwnedContent, Plan } from '../../domain/changes/plan.ts';
import { planChanges } from '../../domain/changes/plan-changes.ts';
import type { Revision } from '../../domain/changes/revision.ts';
import type { Cause } from '../../domain/changes/verdict.ts';
import { expectNoDrops } from '../looks/note-drops.ts';
import { type BatchChange, ChangesWithdrawn, type NewBatch } from '../router-ledger.ts';
import { isAway, RouterAway, throwAway, waitForLock, waitForSpell } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';
import { inBatchSpan } from './batch-span.ts';
import { confirmBatch, confirmCostMs, confirmMinutes, waitsForOther } from './confirm-batch.ts';

/** A spell was seen to last 0.8 s; with the pause after a refusal and those between the tries this is about twice as long. */
const mostSpells = 4;
const longestSpellMs = 5_000;

/** One resource's way in a batch. */
export interface BatchPart {
  readonly resourceId: string;
  readonly purpose: BatchChange['purpose'];
  readonly revision: Revision;
  readonly fragment: Fragment;
  readonly causes: readonly Cause[];
  readonly from: OwnedContent;
  readonly to: OwnedContent;
}

/** A batch that was answered: its row is still open. */
export interface AnsweredBatch {
  readonly batch: NewBatch;
  readonly plan: Plan;
  readonly size: number;
  readonly durationMs: number;
  readonly outcome: Extract<ConfigureOutcome, { kind: 'applied' | 'refused_operation' | 'refused_commit' }>;
}

export const planOf = (parts: readonly BatchPart[]): Plan =>
  planChanges(parts.map(({ resourceId, from, to }) => ({ resourceId, from, to })));

/**
 * Writes the batch ahead, sends it, and sends it again while the router is locked. Gives back an answer that says what happened; what else
 * may come throws: RouterAway with the row closed when surely nothing happened, with the row open (`session.openBatch`) when that is not known.
 */
export async function sendBatch(
  session: RouterSession,
  parts: readonly BatchPart[],
  plan: Plan,
): Promise<AnsweredBatch> {
  const size = session.configuredSize();
  const batch = newBatch(session, parts, plan, size);
  await session.pause(session.notBefore - session.now());
  if (session.over.aborted) throw new RouterAway('stopping');
  expectNoDrops(session);
  const withdrawn = await session.parts.ledger.writeAhead(batch);
  if (withdrawn.length > 0) throw new ChangesWithdrawn(withdrawn);
  for (const part of parts) session.owned.claim(part.resourceId, part.to.keys());
  let spells = 0;
  let mayStand = false;
  for (let tries = 1; ; tries++) {
    const { outcome, durationMs } = await configure(session, batch, mayStand);
    if (outcome.kind !== 'try_later') {
      session.noteUnlocked();
      if (outcome.kind === 'applied') await keep(session, batch, outcome, tries);
      return { batch, plan, size, durationMs, outcome };
    }
    if (outcome.spell && isOver(session, ++spells)) {
      session.noteUnlocked();
      return { batch, plan, size, durationMs, outcome: { kind: 'refused_operation', text: outcome.text } };
    }
    if (outcome.mayStand && !mayStand) await session.parts.ledger.noteSendingAgain(batch.id, waitsForOther);
    mayStand ||= outcome.mayStand === true;
    await waitWithOpenRow(session, batch, spells > 0 ? spells : tries, { ...outcome, ...(mayStand && { mayStand }) });
    await session.parts.ledger.noteSendingAgain(batch.id, mayStand ? waitsForOther : '');
  }
}

function newBatch(session: RouterSession, parts: readonly BatchPart[], plan: Plan, size: number): NewBatch {
  const minutes = confirmMinutes(session);
  const extraMs = minutes === undefined ? 0 : confirmCostMs(session);
  const estimate = estimateMs(session.costModel, plan.counts, size) + extraMs;
  return {
    id: randomUUID(),
    operations: plan.operations,
    changes: parts.map((part) => toBatchChange(session, part)),
    estimateMs: estimate,
    timeoutMs: httpTimeoutMs(estimate, session.parts.times.writeTimeoutMs),
    ...(minutes === undefined ? {} : { confirmMinutes: minutes }),
  };
}

/** A commit that the router would take back is confirmed. One that was to be confirmed and is not waited for shows a router that cannot. */
async function keep(
  session: RouterSession,
  batch: NewBatch,
  { unconfirmed }: Extract<ConfigureOutcome, { kind: 'applied' }>,
  tries: number,
): Promise<void> {
  if (unconfirmed !== undefined) return confirmBatch(session, batch, unconfirmed);
  // Sent again it may have had nothing to do, and then there is nothing to take back.
  if (batch.confirmMinutes !== undefined && tries === 1) session.noteIgnoredConfirm();
}

/**
 * Whether the spell after a refusal cannot explain a bare "Set failed" any more, so that it is this batch that is refused, without a name. Asked
 * twice at least, since somebody else's refusal may have begun the spell.
 */
const isOver = (session: RouterSession, spells: number): boolean =>
  spells >= mostSpells || (spells > 1 && session.now() - session.lastRefusalAt > longestSpellMs);

/** Closes the row of a batch that surely changed nothing. */
export async function closeUntouched(
  session: RouterSession,
  batch: NewBatch,
  end: { readonly state: 'refused' | 'not_applied'; readonly outcome: string; readonly durationMs?: number },
): Promise<void> {
  await session.settle({ batch: { id: batch.id, ...end }, unclaimed: batch.changes.flatMap(({ claims }) => claims) });
}

async function configure(
  session: RouterSession,
  batch: NewBatch,
  mayStand: boolean,
): Promise<{
  outcome: AnsweredBatch['outcome'] | Extract<ConfigureOutcome, { kind: 'try_later' }>;
  durationMs: number;
}> {
  const { router, metrics, name, beforeSend } = session.parts;
  await beforeSend?.();
  const { outcome, durationMs } = await inBatchSpan(name, batch, () =>
    router.configure(batch.operations, {
      ...session.call(batch.timeoutMs),
      confirmMinutes: batch.confirmMinutes,
    }),
  );
  metrics.request(name, 'configure', outcome.kind, durationMs);
  const { operations, changes } = batch;
  const counted = { outcome: outcome.kind, resources: changes.length, operations: operations.length, durationMs };
  metrics.batch(name, counted);
  session.parts.lease.throwIfLost();
  if (!isAway(outcome)) {
    session.noteAnswer();
    if (outcome.kind === 'refused_operation' || outcome.kind === 'refused_commit')
      session.lastRefusalAt = session.now();
    return { outcome, durationMs };
  }
  session.distrust();
  if (outcome.kind === 'unclear' || mayStand) {
    session.openBatch = true;
    session.unansweredText = session.parts.redact(outcome.text).trim();
  } else await closeUntouched(session, batch, { state: 'not_applied', outcome: session.parts.redact(outcome.text) });
  return throwAway(session, outcome.text);
}

async function waitWithOpenRow(
  session: RouterSession,
  batch: NewBatch,
  tries: number,
  { text, spell, mayStand }: Extract<ConfigureOutcome, { kind: 'try_later' }>,
): Promise<void> {
  if (spell) session.noteUnlocked(); // the session was opened, so nobody holds the lock
  try {
    await (spell ? waitForSpell(session, tries) : waitForLock(session, tries, text));
  } catch (error) {
    if (error instanceof RouterAway) {
      if (mayStand) session.openBatch = true;
      else await closeUntouched(session, batch, { state: 'not_applied', outcome: error.message });
    }
    throw error;
  }
}

const toBatchChange = (session: RouterSession, part: BatchPart): BatchChange => ({
  resourceId: part.resourceId,
  purpose: part.purpose,
  revision: part.revision,
  fragment: part.fragment,
  causes: part.causes,
  before: Object.fromEntries(part.from),
  after: Object.fromEntries(part.to),
  claims: [...part.to.keys()].filter((key) => session.owned.ownerOf(key) === undefined),
});
