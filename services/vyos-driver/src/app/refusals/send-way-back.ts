import { isNothing } from '../../domain/changes/plan-changes.ts';
import { closeUntouched, planOf } from '../batches/send-batch.ts';
import { sendOrRead } from '../batches/send-or-read.ts';
import { settleApplied } from '../batches/settle-applied.ts';
import { noteUnknown } from '../looks/note-unknown.ts';
import type { RouterSession } from '../session/session.ts';
import { closeAfterReading, refusalText } from './refused-commit.ts';
import { wayBackParts } from './way-back-parts.ts';

/**
 * Takes the way back of all condemned with a commit of its own. False: the router refused it, which makes the router unknown, and nobody is judged.
 * `judges`: see `settleApplied`.
 */
export async function sendWayBack(session: RouterSession, { judges }: { readonly judges: boolean }): Promise<boolean> {
  const parts = wayBackParts(session);
  const plan = planOf(parts);
  if (isNothing(plan)) {
    await settleApplied(session, parts, { judges });
    return true;
  }
  const answered = await sendOrRead(session, parts, plan);
  if ('unanswered' in answered) return isRefused(session, answered.unanswered);
  const { outcome, batch, durationMs } = answered;
  if (outcome.kind === 'applied') {
    await settleApplied(session, parts, { judges, answered });
    return true;
  }
  const text = refusalText(session, outcome);
  if (outcome.kind === 'refused_operation')
    await closeUntouched(session, batch, { state: 'refused', outcome: text, durationMs });
  session.notBefore = session.now() + session.parts.times.settleDelayMs;
  isRefused(session, text);
  if (outcome.kind === 'refused_commit') await closeAfterReading(session, answered);
  return false;
}

function isRefused(session: RouterSession, text: string): false {
  session.parts.metrics.repairRefused(session.parts.name);
  noteUnknown(session, `The router refused the way back: ${text}`);
  return false;
}
