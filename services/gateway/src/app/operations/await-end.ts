import type { Operation, Principal } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { pause } from '../pause.ts';
import type { CommandTiming } from './command-timing.ts';
import { type Ending, hasEnded, type OperationReader } from './operations.ts';

/**
 * Waits until `operation` has ended, at most `waitMs`, and gives it as it then stands. The end is learnt from the news; looking is
 * the fallback, at growing intervals and once more when the wait is over.
 */
export async function awaitEnd(
  deps: { operations: OperationReader; timing: CommandTiming },
  wait: { principal: Principal; operation: Operation; ending: Ending; waitMs: number },
): Promise<Operation> {
  const { timing } = deps;
  const until = performance.now() + wait.waitMs;
  let latest = wait.operation;
  let lookMs = timing.firstLookMs;
  while (!hasEnded(latest)) {
    const leftMs = until - performance.now();
    if (leftMs <= 0) return latest;
    const news = await pause(Math.min(lookMs, leftMs), wait.ending.outcome.then(toNews));
    if (news !== undefined) return news.operation ?? latest;
    latest = (await look(deps, wait.principal, latest.id)) ?? latest;
    lookMs = Math.min(lookMs * 2, timing.longestLookMs);
  }
  return latest;
}

/** Tells "nobody waits any longer" from "the pause is over". */
const toNews = (operation: Operation | undefined) => ({ operation });

async function look(
  deps: { operations: OperationReader; timing: CommandTiming },
  principal: Principal,
  operationId: string,
): Promise<Operation | undefined> {
  try {
    return await deps.operations.get(principal, operationId, deps.timing.answerTimeoutMs);
  } catch (error) {
    if (isKind(error, 'unavailable')) return undefined; // the next look may be answered
    throw error;
  }
}
