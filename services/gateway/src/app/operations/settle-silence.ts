import type { Operation, Principal } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import { pause } from '../pause.ts';
import type { CommandTiming } from './command-timing.ts';
import type { Ending, OperationReader } from './operations.ts';

const firstLookAgainMs = 100;
const longestLookAgainMs = 1_000;

/**
 * Finds out whether a command that was not answered, or only that the database was lost, had been accepted. Found: the operation. Not there although its deadline has
 * surely passed: `unavailable`, and nothing was stored. Nobody to ask until `giveUpMs`, counted from now: `OUTCOME_UNKNOWN`.
 */
export async function settleSilence(
  deps: { operations: OperationReader; timing: CommandTiming },
  silence: { principal: Principal; operationId: string; deadline: Date; ending: Ending; giveUpMs: number },
): Promise<Operation> {
  const { timing } = deps;
  const surelyPast = silence.deadline.getTime() + timing.clockSkewMs;
  const giveUp = Math.max(surelyPast, Date.now() + silence.giveUpMs);
  let againMs = firstLookAgainMs;
  for (;;) {
    const askedAt = Date.now();
    const found = await ask(deps, silence.principal, silence.operationId);
    if (found !== 'not there' && found !== 'no answer') return found;
    if (found === 'not there' && askedAt > surelyPast) throw notAccepted();
    if (found === 'no answer' && Date.now() > giveUp) throw outcomeUnknown(silence.operationId);
    const news = await pause(
      againMs,
      silence.ending.outcome.then((operation) => ({ operation })),
    );
    if (news !== undefined) return news.operation ?? Promise.reject(outcomeUnknown(silence.operationId));
    againMs = Math.min(againMs * 2, longestLookAgainMs);
  }
}

async function ask(
  deps: { operations: OperationReader; timing: CommandTiming },
  principal: Principal,
  operationId: string,
): Promise<Operation | 'not there' | 'no answer'> {
  try {
    return await deps.operations.get(principal, operationId, deps.timing.answerTimeoutMs);
  } catch (error) {
    if (isKind(error, 'not_found')) return 'not there';
    if (isKind(error, 'unavailable')) return 'no answer';
    throw error;
  }
}

const notAccepted = () =>
  new DomainError('unavailable', 'COMMAND_NOT_ACCEPTED', 'The request was not accepted in time. Nothing was changed.', {
    retryAfterSeconds: 2,
  });

/** The caller must be told that the change may still happen; "503" would promise that it does not. */
const outcomeUnknown = (operationId: string) =>
  new DomainError(
    'unavailable',
    'OUTCOME_UNKNOWN',
    'No answer came in time, so it is not known whether the request was accepted. Look at its operation, or repeat it with the same Idempotency-Key.',
    { retryAfterSeconds: 5, operationId },
  );
