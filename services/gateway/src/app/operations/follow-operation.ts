import type { Operation, Principal } from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { awaitEnd } from './await-end.ts';
import type { CommandDeps } from './run-command.ts';

/** An operation as it stands, or as it ended when it does so within `waitMs`. */
export async function followOperation(
  deps: CommandDeps,
  wanted: { principal: Principal; operationId: string; waitMs: number; callerGone: AbortSignal },
): Promise<Operation> {
  const ending = deps.endings.expect(wanted.operationId);
  const forget = () => ending.forget();
  if (wanted.callerGone.aborted) forget();
  wanted.callerGone.addEventListener('abort', forget);
  try {
    const { principal, operationId, waitMs } = wanted;
    const get = () => deps.operations.get(principal, operationId, deps.timing.answerTimeoutMs);
    const operation = await askPatiently(get, deps.timing.nobodyThereMs);
    return await awaitEnd(deps, { principal, operation, ending, waitMs });
  } finally {
    wanted.callerGone.removeEventListener('abort', forget);
    ending.forget();
  }
}
