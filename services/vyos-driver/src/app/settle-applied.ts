import { pauseAfterBatchMs } from '../domain/choose-batch.ts';
import { learn } from '../domain/cost-model.ts';
import type { AnsweredBatch, BatchPart } from './send-batch.ts';
import type { RouterSession } from './session.ts';

export interface AppliedHow {
  /** The commit that did it; absent when nothing had to be sent. */
  readonly answered?: AnsweredBatch;
  /** Whether the condemned get their verdict with it. */
  readonly judges: boolean;
}

/**
 * Records that the parts stand as asked: verdicts, ownership and applied state in one transaction. Whoever was condemned is judged with
 * a commit that succeeded: their way back was part of it, and its success shows that the refusal was theirs.
 */
export async function settleApplied(
  session: RouterSession,
  parts: readonly BatchPart[],
  { answered, judges }: AppliedHow,
): Promise<void> {
  const { log, name } = session.parts;
  const applied = parts.filter(({ purpose }) => purpose === 'change');
  const rejected = judges ? [...session.condemned.values()] : [];
  const released = [
    ...parts.flatMap(({ resourceId, to }) => session.superfluousKeys(resourceId, to)),
    ...rejected.flatMap((one) => session.superfluousKeys(one.resourceId, session.contentOf(one.applied))),
  ];
  if (answered !== undefined) session.costModel = learnt(session, answered);
  await session.settle({
    applied,
    rejected,
    released,
    ...(answered === undefined
      ? {}
      : {
          batch: {
            id: answered.batch.id,
            state: 'applied',
            outcome: answered.outcome.kind === 'applied' ? session.parts.redact(answered.outcome.warnings) : '',
            durationMs: answered.durationMs,
          },
          changedRunning: true,
          costModel: session.costModel,
        }),
  });
  for (const { resourceId } of parts) {
    session.ground?.differences.delete(resourceId);
    session.repairsResting.delete(resourceId);
  }
  for (const { resourceId } of rejected) session.condemned.delete(resourceId);
  if (answered === undefined) return;
  const { batch, durationMs } = answered;
  const fields = { router: name, batchId: batch.id, resources: parts.length, operations: batch.operations.length };
  log.info({ ...fields, durationMs: Math.round(durationMs), rejected: rejected.length }, 'batch applied');
  session.notBefore = session.now() + pauseAfterBatchMs(durationMs, session.parts.times.batchPauseMs);
}

const learnt = (session: RouterSession, { plan, size, durationMs }: AnsweredBatch) =>
  learn(session.costModel, { counts: plan.counts, size, durationMs });
