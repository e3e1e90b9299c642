import type { ConfigureOutcome } from '../../domain/answers/answer.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import { sameContent } from '../../domain/changes/plan-changes.ts';
import { stopTimer } from '../batches/confirm-batch.ts';
import type { AnsweredBatch } from '../batches/send-batch.ts';
import { type Reading, readGround, takeGround } from '../looks/look.ts';
import type { BatchChange, StoredContent } from '../router-ledger.ts';
import type { RouterSession } from '../session/session.ts';

/** The router's words of a refusal, secrets removed. Where its version keeps the reason back, that is said. */
export function refusalText(session: RouterSession, outcome: ConfigureOutcome): string {
  const text = 'text' in outcome ? session.parts.redact(outcome.text).trim() : '';
  const { dialect } = session;
  if (dialect === undefined || outcome.kind !== 'refused_commit') return text;
  const silent = outcome.components.some((component) => dialect.silentComponents.has(component));
  return silent ? `${text}\nVyOS ${dialect.version} does not tell why.` : text;
}

/**
 * After a refused commit: components that were not refused may have been applied. Waits for the router's spell to pass, reads what landed,
 * and closes the batch's row with it. What it finds of the batch's resources is undone by the next plan. `surprised`: something stands
 * there that neither was there before nor was sent.
 */
export async function closeAfterReading(
  session: RouterSession,
  { batch, outcome, durationMs }: AnsweredBatch,
): Promise<{ readonly surprised: boolean }> {
  session.distrust();
  session.openBatch = true; // should the reading fail, the row is settled by another one
  await stopTimer(session, batch);
  await session.pause(session.parts.times.settleDelayMs);
  const reading = await readGround(session, batch.changes);
  await session.settle({
    batch: { id: batch.id, state: 'refused', outcome: refusalText(session, outcome), durationMs },
    stood: stoodOf(batch.changes, reading),
    unclaimed: reading.unclaimed,
    changedRunning: true,
    standing: reading.standing,
  });
  session.openBatch = false;
  const touched = new Set(batch.changes.map((change) => change.resourceId));
  await takeGround(session, reading, (resourceId) => touched.has(resourceId));
  return { surprised: batch.changes.some((change) => isSurprising(change, reading.standing.get(change.resourceId))) };
}

/** The changes of which something that was not there before stands now. */
function stoodOf(changes: readonly BatchChange[], reading: Reading): string[] {
  return changes
    .filter(({ purpose, resourceId, before, after }) => {
      const standing = reading.standing.get(resourceId);
      if (purpose !== 'change' || standing === undefined) return false;
      return Object.keys(after).some((key) => at(standing, key, after) && !at(standing, key, before));
    })
    .map(({ resourceId }) => resourceId);
}

const isSurprising = ({ before, after }: BatchChange, standing: OwnedContent = new Map()): boolean =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].some(
    (key) => !at(standing, key, before) && !at(standing, key, after),
  );

/** Whether `key` stands as `content` has it. */
function at(standing: OwnedContent, key: string, content: StoredContent): boolean {
  const there = standing.get(key);
  const asked = Object.hasOwn(content, key) ? content[key] : undefined;
  if (there === undefined || asked === undefined) return there === asked;
  return sameContent(new Map([[key, there]]), new Map([[key, asked]]));
}
