import { pauseAfterBatchMs } from '../../domain/batches/choose-batch.ts';
import { learn } from '../../domain/batches/cost-model.ts';
import { unionContent } from '../../domain/changes/plan-changes.ts';
import type { MendedResource } from '../drift/drift-book.ts';
import type { RouterSession } from '../session/session.ts';
import type { AnsweredBatch, BatchPart } from './send-batch.ts';

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
    ...parts.flatMap((part) => session.superfluousKeys(part.resourceId, ownedAfter(session, part))),
    ...rejected.flatMap((one) => session.superfluousKeys(one.resourceId, session.contentOf(one.applied))),
  ];
  if (answered !== undefined) session.costModel = learnt(session, answered);
  await session.settle({
    applied,
    rejected,
    released,
    mended: mendedBy(session, parts),
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
  for (const part of parts) noteStanding(session, part);
  for (const { resourceId } of rejected) session.condemned.delete(resourceId);
  if (answered === undefined) return;
  session.reverted = undefined;
  const { batch, durationMs } = answered;
  const fields = { router: name, batchId: batch.id, resources: parts.length, operations: batch.operations.length };
  log.info({ ...fields, durationMs: Math.round(durationMs), rejected: rejected.length }, 'batch applied');
  session.notBefore = session.now() + pauseAfterBatchMs(durationMs, session.parts.times.batchPauseMs);
}

/** A path that others deleted, and that is left so, stays ours. */
const ownedAfter = (session: RouterSession, { purpose, fragment, to }: BatchPart) =>
  purpose === 'change' ? to : unionContent(to, session.contentOf(fragment));

/** The resources of which something had drifted. What a change of a VM asks for covers all of its lines. */
const mendedBy = (session: RouterSession, parts: readonly BatchPart[]): MendedResource[] =>
  parts.flatMap(({ resourceId, purpose }) => {
    if (!session.ground?.differences.has(resourceId)) return [];
    return [{ resourceId, how: purpose === 'change' ? 'change' : 'repair' }];
  });

/** What was left as others made it still differs. */
function noteStanding(session: RouterSession, { resourceId, purpose, to }: BatchPart): void {
  const difference = session.ground?.differences.get(resourceId);
  session.ground?.differences.delete(resourceId);
  session.repairsResting.delete(resourceId);
  session.repairRefusals.delete(resourceId);
  if (difference === undefined || purpose === 'change' || difference.kept.size === 0) return;
  session.ground?.differences.set(resourceId, { ...difference, standing: to, repair: false, leftover: false });
}

const learnt = (session: RouterSession, { plan, size, durationMs }: AnsweredBatch) =>
  learn(session.costModel, { counts: plan.counts, size, durationMs });
