import type { Plan } from '../../domain/changes/plan.ts';
import { RouterAway } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';
import { tellStatus } from '../session/tell-status.ts';
import { type AnsweredBatch, type BatchPart, sendBatch } from './send-batch.ts';
import { settleOpenBatch } from './settle-open-batch.ts';

/** A batch that had no usable answer. Its row is closed: by what was read, nothing of it landed. */
export interface UnansweredBatch {
  readonly unanswered: string;
}

/**
 * Sends the batch. One that has no usable answer is an outage (RouterAway), unless the commit before it ended so too, and the router answered
 * everything but the commit: then it is read here at once what landed, and when that is nothing, the batch is given back as unanswered, since
 * it may be something in it that the router cannot bear.
 */
export async function sendOrRead(
  session: RouterSession,
  parts: readonly BatchPart[],
  plan: Plan,
): Promise<AnsweredBatch | UnansweredBatch> {
  try {
    return await sendBatch(session, parts, plan);
  } catch (error) {
    const suspicious = error instanceof RouterAway && session.openBatch && session.unanswered !== undefined;
    if (!suspicious) throw error;
    await settleOpenBatch(session);
    if (session.unanswered === undefined) throw error; // something landed: plan anew
    await tellStatus(session);
    return { unanswered: `The router gave no usable answer, and nothing was applied: ${session.unanswered.text}` };
  }
}
