import type { Operation, OperationReply, Principal } from '@berth/contracts';
import { DomainError, lostItsDatabase, sendPatiently, wasNotAnswered } from '@berth/errors';
import { awaitEnd } from './await-end.ts';
import type { CommandTiming } from './command-timing.ts';
import type { Ending, OperationEndings, OperationReader } from './operations.ts';
import { settleSilence } from './settle-silence.ts';

/** What it takes to run commands. */
export interface CommandDeps {
  readonly operations: OperationReader;
  readonly endings: OperationEndings;
  readonly timing: CommandTiming;
}

/** A command with the ids and times that make every repeat of it the same command. */
export interface Command {
  readonly operationId: string;
  readonly principal: Principal;
  /** After this moment it is refused instead of accepted. */
  readonly deadline: Date;
  /** For how long to wait for its end, in milliseconds. */
  readonly waitMs: number;
  /** Ends the wait: nobody reads the answer any more. The operation itself goes on. */
  readonly callerGone: AbortSignal;
  send(timeoutMs: number): Promise<OperationReply>;
}

/** An operation as it stands, and whether it is one that an earlier request with the same idempotency key had started. */
export interface Outcome {
  readonly operation: Operation;
  readonly replayed: boolean;
}

/**
 * Sends a command and waits for its end, but no longer than the caller wants. Throws the refusal when it was not accepted; what is
 * thrown as `unavailable` promises that nothing was stored, except for `OUTCOME_UNKNOWN`.
 */
export async function runCommand(deps: CommandDeps, command: Command): Promise<Outcome> {
  const startedAt = performance.now();
  const ending = deps.endings.expect(command.operationId); // before sending: the end may come before the answer
  const forget = () => ending.forget();
  if (command.callerGone.aborted) forget();
  command.callerGone.addEventListener('abort', forget);
  try {
    const reply = await accept(deps, command, ending);
    const operation = reply.operation;
    if (operation === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its operation.');
    const waitMs = command.waitMs - (performance.now() - startedAt);
    const ended = await awaitEnd(deps, { principal: command.principal, operation, ending, waitMs });
    return { operation: ended, replayed: reply.replayed };
  } finally {
    command.callerGone.removeEventListener('abort', forget);
    ending.forget();
  }
}

async function accept(
  deps: CommandDeps,
  command: Command,
  ending: Ending,
): Promise<Pick<OperationReply, 'operation' | 'replayed'>> {
  try {
    return await sendPatiently(() => command.send(deps.timing.answerTimeoutMs), deps.timing.nobodyThereMs);
  } catch (error) {
    if (!wasNotAnswered(error) && !lostItsDatabase(error)) throw error;
    const { principal, operationId, deadline, waitMs } = command;
    const silence = { principal, operationId, deadline, ending, giveUpMs: waitMs };
    return { operation: await settleSilence(deps, silence), replayed: false };
  }
}
