import { randomUUID } from 'node:crypto';
import type { CommandContextSchema, IdempotencySchema, Operation, OperationReply, Principal } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { hasEnded } from '../../app/operations/operations.ts';
import { type CommandDeps, type Outcome, runCommand } from '../../app/operations/run-command.ts';
import { fingerprintOf, parseIdempotencyKey } from '../../domain/requests/idempotency.ts';
import { parseIfMatch } from '../../domain/requests/if-match.ts';
import { mayWait, type Preference, parsePrefer, waitMsOf } from '../../domain/requests/prefer.ts';
import { isUuid } from '../../domain/vms/vm-name.ts';
import type { PlanService } from '../nats/plan-service.ts';
import type { VmCommand, VmCommands } from '../nats/vm-service.ts';
import type { AnyReply, AnyRequest } from './app-types.ts';
import { failureOf, showOperation } from './operations/show-operation.ts';
import { answerPlan } from './plans/answer-plan.ts';
import { planningOf } from './plans/planning.ts';

/** What every command carries, with its operation's id and deadline already chosen. */
export type ContextInit = MessageInitShape<typeof CommandContextSchema> & {
  readonly operationId: string;
  readonly principal: Principal;
};

export interface AnswerCommandDeps {
  readonly commands: CommandDeps;
  readonly vms: VmCommands;
  readonly plans: PlanService;
  /** For callers that do not say how long. */
  readonly defaultWaitSeconds: number;
}

/** What a success is answered with. */
interface Shown {
  readonly status: 200 | 201;
  show(operation: Operation): object;
}

/** What is asked for, and what its success is answered with. */
export interface CommandAnswer extends Shown {
  command(context: ContextInit): VmCommand;
}

/**
 * Runs a command for a request: answers its result, 202 with the operation when that takes longer than the caller waits, or throws why it failed.
 * Where the request is to be planned only, answers the plan.
 */
export function answerCommand(
  deps: AnswerCommandDeps,
  request: AnyRequest,
  reply: AnyReply,
  { command, ...shown }: CommandAnswer,
): Promise<unknown> {
  const planning = planningOf(request);
  if (planning) {
    const context = commandContext(request, new Date(Date.now() + deps.commands.timing.commandTimeoutMs));
    const ifVersion = ifVersionOf(request);
    return answerPlan(deps, request, reply, {
      planning,
      command: command(context),
      context: { ...context, ifVersion },
    });
  }
  return answerOperation(deps, request, reply, {
    ...shown,
    send: (context, timeoutMs) => deps.vms.send(command(context), timeoutMs),
  });
}

/** Runs what starts an operation, for a request. */
export async function answerOperation(
  deps: Pick<AnswerCommandDeps, 'commands' | 'defaultWaitSeconds'>,
  request: AnyRequest,
  reply: AnyReply,
  command: Shown & { send(context: ContextInit, timeoutMs: number): Promise<OperationReply> },
): Promise<unknown> {
  const preference = preferenceOf(request);
  const deadline = new Date(Date.now() + deps.commands.timing.commandTimeoutMs);
  const context = commandContext(request, deadline);
  const outcome = await runCommand(deps.commands, {
    operationId: context.operationId,
    principal: context.principal,
    deadline,
    waitMs: waitMsOf(preference, deps.defaultWaitSeconds),
    callerGone: callerGone(reply),
    send: (timeoutMs) => command.send(context, timeoutMs),
  });
  return sendOutcome(request, reply, { outcome, preference, command });
}

const longestUserAgent = 200;

/** What a command of this request carries. `fingerprint`: of what was asked, where that is not what the body and query say. */
export function commandContext(
  request: AnyRequest,
  deadline: Date,
  fingerprint = () => fingerprintOf(request.body, request.query),
): ContextInit {
  const principal = principalOf(request);
  const idempotency = idempotencyOf(request, fingerprint);
  return {
    ...openContext(request, deadline),
    principal,
    mayWait: mayWait(preferenceOf(request)),
    ...(idempotency && { idempotency }),
  };
}

/** What a command carries that a stranger may send, on an open route. */
export function openContext(request: AnyRequest, deadline: Date) {
  const operationId = randomUUID();
  request.scope.operationId = operationId;
  return { operationId, deadline: timestampFromDate(deadline), ...originOf(request) };
}

/** From where a request came. */
export const originOf = (request: AnyRequest) => ({
  requestId: request.scope.requestId,
  clientAddress: request.ip,
  userAgent: (headerOf(request, 'user-agent') ?? '').slice(0, longestUserAgent),
});

/** The request's Idempotency-Key, whose it is and what is asked with it; undefined when it has none. */
export function idempotencyOf(
  request: AnyRequest,
  fingerprint = () => fingerprintOf(request.body, request.query),
): MessageInitShape<typeof IdempotencySchema> | undefined {
  const key = parseIdempotencyKey(headerOf(request, 'idempotency-key'));
  if (key === undefined) return undefined;
  const scope = `${principalOf(request).id} ${request.method} ${canonicalPath(request)}`;
  return { scope, key, fingerprint: fingerprint() };
}

function sendOutcome(
  request: AnyRequest,
  reply: AnyReply,
  { outcome, preference, command }: { outcome: Outcome; preference: Preference; command: Shown },
): unknown {
  const { operation, replayed } = outcome;
  if (replayed) reply.header('Idempotency-Replayed', 'true');
  const failure = failureOf(operation);
  if (failure !== undefined) throw withOperation(failure, operation.id);
  const ended = hasEnded(operation);
  applyPreference(reply, preference, ended);
  if (ended) return reply.code(command.status).send(command.show(operation));
  reply.header('Location', `/v1/operations/${operation.id}`);
  return reply.code(202).send(showOperation(operation, request.scope.traceId));
}

/** Says which of the caller's preferences were followed (RFC 7240). */
export function applyPreference(reply: AnyReply, preference: Preference, ended: boolean): void {
  const applied = [
    ...(preference.respondAsync && !ended ? ['respond-async'] : []),
    ...(preference.waitSeconds === undefined ? [] : [`wait=${preference.waitSeconds}`]),
  ];
  if (applied.length > 0) reply.header('Preference-Applied', applied.join(', '));
}

const withOperation = (failure: DomainError, operationId: string): DomainError =>
  new DomainError(failure.kind, failure.code, failure.message, { ...failure.details, operationId });

export const preferenceOf = (request: AnyRequest): Preference => parsePrefer(headerOf(request, 'prefer'));

/** The version that the resource must have for the request to be carried out; 0: any. */
export const ifVersionOf = (request: AnyRequest): bigint => parseIfMatch(headerOf(request, 'if-match')) ?? 0n;

/** Who asks. Only for routes that need a permission. */
export function principalOf(request: AnyRequest): Principal {
  if (request.principal === null) throw new DomainError('bug', 'INTERNAL', 'The route has no principal.');
  return request.principal;
}

/** Ends when nobody reads the answer any more. (The request's own end tells only that its body was read.) */
export function callerGone(reply: AnyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

function headerOf(request: AnyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

/** The same for all addresses of a route, with its parameters filled in. */
function canonicalPath(request: AnyRequest): string {
  const { config, url = '' } = request.routeOptions;
  const params: Readonly<Record<string, unknown>> = Object(request.params);
  const written = (name: string) => {
    const value = String(params[name]);
    return isUuid(value) ? value.toLowerCase() : value; // ids may be written either way
  };
  return (config.canonicalPath ?? url).replaceAll(/:(\w+)/g, (_, name) => encodeURIComponent(written(name)));
}
