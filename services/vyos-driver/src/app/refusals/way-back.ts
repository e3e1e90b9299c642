import { isNothing } from '../../domain/changes/plan-changes.ts';
import { closeUntouched, planOf } from '../batches/send-batch.ts';
import { sendOrRead } from '../batches/send-or-read.ts';
import { settleApplied } from '../batches/settle-applied.ts';
import { chooseWork, type Member, repairs } from '../changes/take-work.ts';
import { lookAround } from '../looks/look.ts';
import { noteUnknown } from '../looks/note-unknown.ts';
import type { RouterSession } from '../session/session.ts';
import { closeAfterReading, refusalText } from './refused-commit.ts';
import { runEpisode } from './run-episode.ts';
import { sendWayBack } from './send-way-back.ts';
import { leftoverParts } from './way-back-parts.ts';

/**
 * Takes the way back with a commit of its own, when nothing else follows, and judges the condemned. A refusal of the way back makes the router
 * unknown: nobody is judged, and only reads are sent until `reconcile` has settled it.
 */
export async function goBack(session: RouterSession): Promise<void> {
  await sendWayBack(session, { judges: true });
}

/**
 * A router that is blocked may hold parts of changes that still wait: takes them back. When even that is refused they stay until the router is
 * free, and the next plan finds them there.
 */
export async function takeLeftoversBack(session: RouterSession, members: readonly Member[]): Promise<void> {
  const parts = leftoverParts(session, members);
  const plan = planOf(parts);
  if (isNothing(plan)) return;
  const answered = await sendOrRead(session, parts, plan);
  if ('unanswered' in answered) return session.parts.metrics.repairRefused(session.parts.name);
  const { outcome, batch, durationMs } = answered;
  session.notBefore = session.now() + session.parts.times.settleDelayMs;
  if (outcome.kind === 'applied') return settleApplied(session, parts, { judges: false, answered });
  session.parts.metrics.repairRefused(session.parts.name);
  if (outcome.kind === 'refused_commit') await closeAfterReading(session, answered);
  else await closeUntouched(session, batch, { state: 'refused', outcome: refusalText(session, outcome), durationMs });
}

/**
 * One pass over an unknown router: reads, and brings whatever differs from what is applied back, resource by resource where it must. The
 * router is known again when nothing of a condemned change stands any more.
 */
export async function reconcile(session: RouterSession): Promise<void> {
  session.repairAll = true;
  await lookAround(session);
  const condemned = [...session.condemned];
  session.condemned.clear(); // their way back is a repair like any other here, and their verdict waits
  session.repairsResting.clear();
  try {
    await repairAll(session);
  } finally {
    for (const [id, one] of condemned) session.condemned.set(id, one);
  }
  const differs = [...(session.ground?.differences.values() ?? [])].some(({ repair }) => repair);
  if (session.ground !== undefined && !differs) session.unknown = undefined;
  else noteUnknown(session, session.unknown?.text ?? 'The router does not take what was there before.');
}

/** Repairs whatever differs, in commits of the usual size, until nothing is left that the router takes. */
async function repairAll(session: RouterSession): Promise<void> {
  for (let before = Number.POSITIVE_INFINITY; ; ) {
    const members = repairs(session, []);
    const work = members.length < before ? chooseWork(session, members) : undefined;
    if (work === undefined || session.over.aborted) return;
    before = members.length;
    await runEpisode(session, work.members);
  }
}
