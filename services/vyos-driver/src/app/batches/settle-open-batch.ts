import { barrierFor } from '../../domain/batches/barrier.ts';
import { httpTimeoutMs } from '../../domain/batches/choose-batch.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import { sameContent, unionContent } from '../../domain/changes/plan-changes.ts';
import type { MendedResource } from '../drift/drift-book.ts';
import { growingMs } from '../driver-times.ts';
import { dialectOf } from '../looks/know-version.ts';
import { type Reading, readGround, takeGround } from '../looks/look.ts';
import type { BatchChange, OpenBatch } from '../router-ledger.ts';
import { RouterAway, waitUntilNothingRuns } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';
import { tellStatus } from '../session/tell-status.ts';
import { confirm, mayBeTakenBack, takenBackBy, waitForOtherConfirm, waitsForOther } from './confirm-batch.ts';

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
  const reading = await readFinal(session, batch);
  const landed = landedOf(session, batch, reading);
  const applied = landed.filter(({ purpose }) => purpose === 'change');
  const { migrated } = dialectOf(session);
  const released = landed.flatMap((change) =>
    session.superfluousKeys(change.resourceId, migrated(ownedAfter(session, change))),
  );
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
  noteReverted(session, batch, landed.length);
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

/**
 * What stands, when no timer of the router can take it back any more. A batch that stands as it was sent is confirmed, which does no harm when it was
 * before. Where only a part of it does, somebody may have changed the rest since, and the time to confirm it is waited out. Nothing of it: it
 * was taken back, or never made.
 */
async function readFinal(session: RouterSession, batch: OpenBatch): Promise<Reading> {
  const { times, lease } = session.parts;
  if (batch.note === waitsForOther && mayBeTakenBack(session, batch)) {
    await waitForOtherConfirm(session, httpTimeoutMs(batch.estimateMs, times.writeTimeoutMs));
    return readGround(session, batch.changes);
  }
  const reading = await readGround(session, batch.changes);
  if (!mayBeTakenBack(session, batch) || !isTouched(session, batch, reading)) return reading;
  const until = takenBackBy(session, batch);
  const timeoutMs = httpTimeoutMs(batch.estimateMs, times.writeTimeoutMs);
  if (landedOf(session, batch, reading).length === batch.changes.length) {
    if ((await confirm(session, timeoutMs, until)) === 'confirmed') return reading;
  } else {
    session.locked = 'A commit of which only a part stands may still be taken back by the router.';
    await tellStatus(session);
    await session.pause(until - session.now());
    lease.throwIfLost();
    if (session.parts.stopping.aborted) throw new RouterAway('stopping');
  }
  // It may be taken back at this moment.
  await waitUntilNothingRuns(session, timeoutMs);
  return readGround(session, batch.changes);
}

const landedOf = (session: RouterSession, { changes }: OpenBatch, { standing }: Reading): readonly BatchChange[] => {
  const { migrated } = dialectOf(session);
  return changes.filter(({ resourceId, after }) =>
    sameContent(standing.get(resourceId) ?? new Map(), migrated(new Map(Object.entries(after)))),
  );
};

/** Whether anything stands as the batch wanted it and as it was not before. */
const isTouched = (session: RouterSession, { changes }: OpenBatch, { standing }: Reading): boolean => {
  const { migrated } = dialectOf(session);
  return changes.some(({ resourceId, before, after }) => {
    const [from, to] = [before, after].map((content) => migrated(new Map(Object.entries(content))));
    const there = standing.get(resourceId);
    const same = (key: string, content: OwnedContent | undefined) => sameAt(key, there, content);
    return [...new Set([...(from?.keys() ?? []), ...(to?.keys() ?? [])])].some(
      (key) => same(key, to) && !same(key, from),
    );
  });
};

const sameAt = (key: string, a: OwnedContent | undefined, b: OwnedContent | undefined): boolean =>
  sameContent(onlyAt(key, a), onlyAt(key, b));

const onlyAt = (key: string, content: OwnedContent | undefined): OwnedContent =>
  new Map([...(content ?? [])].filter(([one]) => one === key));

function noteReverted(session: RouterSession, { id }: OpenBatch, landed: number): void {
  const { unconfirmed } = session;
  session.unconfirmed = undefined;
  if (unconfirmed?.batchId !== id || landed > 0) return;
  const { log, metrics, name } = session.parts;
  session.reverted = `The router took the last commit back, since it was not confirmed: ${session.unansweredText}`;
  metrics.reverted(name);
  log.error({ router: name, batchId: id, reason: session.unansweredText }, 'batch taken back by the router');
}

async function passBarrier(session: RouterSession, { estimateMs, ageMs }: OpenBatch): Promise<void> {
  const barrier = barrierFor(session.dialect ?? { freezes: false }, estimateMs);
  if (barrier.kind === 'queue')
    return waitUntilNothingRuns(session, httpTimeoutMs(estimateMs, session.parts.times.writeTimeoutMs));
  await session.pause(barrier.ms - ageMs);
  session.parts.lease.throwIfLost();
  if (session.parts.stopping.aborted) throw new RouterAway('stopping');
}
