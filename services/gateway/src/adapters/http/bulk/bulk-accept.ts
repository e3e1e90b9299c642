import { randomUUID } from 'node:crypto';
import { type BulkItem, BulkMode, type OperationReply } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { hasEnded } from '../../../app/operations/operations.ts';
import { runCommand } from '../../../app/operations/run-command.ts';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { waitMsOf } from '../../../domain/requests/prefer.ts';
import type { BulkService } from '../../nats/bulk-service.ts';
import {
  type AnswerCommandDeps,
  applyPreference,
  type ContextInit,
  callerGone,
  commandContext,
  preferenceOf,
} from '../answer-command.ts';
import type { AnyReply, AnyRequest } from '../app-types.ts';
import { answerPlan } from '../plans/answer-plan.ts';
import { type Planning, planningOf } from '../plans/planning.ts';
import { sendResults } from './bulk-answer.ts';
import type { BulkBody } from './bulk-body.ts';
import { type ItemKind, removalItem } from './bulk-items.ts';
import { showBulk } from './bulk-show.ts';
import { uploadBulk } from './bulk-upload.ts';

export type BulkDeps = AnswerCommandDeps & { readonly bulks: BulkService };

const modes = { best_effort: BulkMode.BEST_EFFORT, atomic: BulkMode.ATOMIC } as const;

/** Stores the items as they arrive, has the bulk accepted, and waits for its end as long as the caller does. */
export async function answerBulk(
  deps: BulkDeps,
  request: AnyRequest,
  reply: AnyReply,
  { kind, body }: { kind: ItemKind; body: BulkBody },
): Promise<unknown> {
  if (kind === removalItem && body.mode === 'atomic') {
    throw invalidRequest([{ field: 'mode', message: 'must be best_effort: what is removed cannot be taken back' }]);
  }
  const planning = planningOf(request);
  if (planning) return planBulk(deps, request, reply, { kind, body, planning });
  const { timing } = deps.commands;
  const inTime = () => new Date(Date.now() + timing.commandTimeoutMs);
  const bulkId = randomUUID();
  const noFingerprint = () => new Uint8Array();
  const staging = { ...commandContext(request, inTime(), noFingerprint), operationId: bulkId };
  const { items, fingerprint } = await uploadBulk(body, kind, (offset, some) =>
    deps.bulks.stage({ ...staging, deadline: timestampFromDate(inTime()) }, offset, some),
  );
  const start = (context: ContextInit, timeoutMs: number) =>
    deps.bulks.start({ context, items, mode: modes[body.mode] }, timeoutMs);
  return runBulk(deps, request, reply, { id: bulkId, start, fingerprint: () => fingerprint });
}

/** Has a bulk accepted, and waits for its end as long as the caller does. `fingerprint`: of what was asked, where the body does not say it. */
export async function runBulk(
  deps: Pick<BulkDeps, 'bulks' | 'commands' | 'defaultWaitSeconds'>,
  request: AnyRequest,
  reply: AnyReply,
  bulkOf: {
    readonly id: string;
    start(context: ContextInit, timeoutMs: number): Promise<OperationReply>;
    fingerprint?(): Uint8Array<ArrayBuffer>;
  },
): Promise<unknown> {
  const deadline = new Date(Date.now() + deps.commands.timing.commandTimeoutMs);
  const context = { ...commandContext(request, deadline, bulkOf.fingerprint), operationId: bulkOf.id };
  const preference = preferenceOf(request);
  const { principal } = context;
  const { operation, replayed } = await runCommand(deps.commands, {
    operationId: bulkOf.id,
    principal,
    deadline,
    waitMs: waitMsOf(preference, deps.defaultWaitSeconds),
    callerGone: callerGone(reply),
    send: (timeoutMs) => bulkOf.start(context, timeoutMs),
  });
  if (replayed) reply.header('Idempotency-Replayed', 'true');
  const bulk = await deps.bulks.get(principal, operation.id);
  applyPreference(reply, preference, hasEnded(operation));
  if (hasEnded(operation)) return sendResults(deps, request, reply, { principal, bulk });
  return reply.code(202).header('Location', `/v1/bulks/${bulk.id}`).send(showBulk(bulk, request.scope.traceId));
}

/** What a bulk would do. It is planned as a whole, so it has few items. */
async function planBulk(
  deps: BulkDeps,
  request: AnyRequest,
  reply: AnyReply,
  { kind, body, planning }: { kind: ItemKind; body: BulkBody; planning: Planning },
): Promise<unknown> {
  const items: BulkItem[] = [];
  await uploadBulk(body, kind, async (_, some) => {
    items.push(...some);
    if (items.length > maxPlannedItems) throw tooManyPlanned();
  });
  const context = commandContext(request, new Date(Date.now() + deps.commands.timing.commandTimeoutMs));
  const command = { case: 'bulk', value: { mode: modes[body.mode], items } } as const;
  return answerPlan(deps, request, reply, { planning, command, context });
}

const maxPlannedItems = 200;

const tooManyPlanned = () =>
  new DomainError('too_large', 'PLAN_TOO_LARGE', `A bulk of at most ${maxPlannedItems} items can be planned.`);
