import { barrierFor } from '../domain/barrier.ts';
import { httpTimeoutMs } from '../domain/choose-batch.ts';
import type { OwnedContent } from '../domain/plan.ts';
import { sameContent, unionContent } from '../domain/plan-changes.ts';
import type { MendedResource } from './drift-book.ts';
import { growingMs } from './driver-times.ts';
import { readGround, takeGround } from './look.ts';
import { RouterAway, waitUntilNothingRuns } from './router-calls.ts';
import type { BatchChange, OpenBatch } from './router-ledger.ts';
import type { RouterSession } from './session.ts';

/**
 * Settles a batch whose answer nobody has: of a holder before us, or of ours when it was unclear. A request that was sent is never assumed dead,
 * and reads beside a commit are unsafe, so the barrier comes first: an empty `/configure`, which queues behind the router's own lock. Then what
 * is read decides: a resource that stands as the batch wanted it is applied; any other waits on, and is planned anew from what was read.
 * Nothing of it landed, although the router answers: that is counted in `session.unanswered`, and the next sending waits longer each time.
 */
export async function settleOpenBatch(session: RouterSession): Promise<void> {
  const { ledger, log, name } = session.parts;
  const batch = await ledger.openBatch();
  if (batch === undefined) {
    session.openBatch = false;
    return;
  }
  session.distrust();
  await passBarrier(session, batch);
  const reading = await readGround(session, batch.changes);
  const landed = batch.changes.filter((change) => stands(change, reading.standing.get(change.resourceId)));
  const applied = landed.filter(({ purpose }) => purpose === 'change');
  const released = landed.flatMap((change) => session.superfluousKeys(change.resourceId, ownedAfter(session, change)));
  const outcome = `${landed.length} of ${batch.changes.length} resources stood as asked`;
  await session.settle({
    batch: { id: batch.id, state: 'settled_by_read', outcome },
    applied,
    stood: batch.changes
      .filter((one) => one.purpose === 'change' && !landed.includes(one))
      .map((one) => one.resourceId),
    released,
    unclaimed: reading.unclaimed,
    mended: landed.map(mendedBy),
    changedRunning: true,
    standing: reading.standing,
  });
  session.openBatch = false;
  noteUnanswered(session, landed.length);
  log.warn({ router: name, batchId: batch.id, outcome }, 'batch settled by reading');
  const touched = new Set(batch.changes.map((change) => change.resourceId));
  const resources = await ledger.ownedResources(); // what landed is applied now
  await takeGround(session, { ...reading, resources }, (resourceId) => touched.has(resourceId));
}

function noteUnanswered(session: RouterSession, landed: number): void {
  if (landed > 0) {
    session.unanswered = undefined;
    return;
  }
  const { times } = session.parts;
  const tries = (session.unanswered?.tries ?? 0) + 1;
  session.unanswered = { tries, text: session.unansweredText };
  session.notBefore = session.now() + growingMs(tries, times.settleDelayMs, times.awayMostMs);
}

/** A path that others deleted, and that a repair left so, stays ours. */
function ownedAfter(session: RouterSession, { purpose, fragment, after }: BatchChange): OwnedContent {
  const content = new Map(Object.entries(after));
  return purpose === 'change' ? content : unionContent(content, session.contentOf(fragment));
}

/** Paths on which nothing had drifted have nothing to be ended. */
const mendedBy = ({ resourceId, purpose }: BatchChange): MendedResource => ({
  resourceId,
  how: purpose === 'change' ? 'change' : 'repair',
});

async function passBarrier(session: RouterSession, { estimateMs, ageMs }: OpenBatch): Promise<void> {
  const barrier = barrierFor(session.version, estimateMs);
  if (barrier.kind === 'queue')
    return waitUntilNothingRuns(session, httpTimeoutMs(estimateMs, session.parts.times.writeTimeoutMs));
  await session.pause(barrier.ms - ageMs);
  session.parts.lease.throwIfLost();
  if (session.parts.stopping.aborted) throw new RouterAway('stopping');
}

const stands = (
  change: BatchChange,
  standing: ReadonlyMap<string, BatchChange['after'][string]> = new Map(),
): boolean => sameContent(standing, new Map(Object.entries(change.after)));
