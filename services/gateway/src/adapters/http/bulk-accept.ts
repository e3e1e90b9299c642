import { randomUUID } from 'node:crypto';
import { BulkMode } from '@berth/contracts';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { hasEnded } from '../../app/operations.ts';
import { runCommand } from '../../app/run-command.ts';
import { invalidRequest } from '../../domain/field-checks.ts';
import { waitMsOf } from '../../domain/prefer.ts';
import type { BulkService } from '../nats/bulk-service.ts';
import { type AnswerCommandDeps, applyPreference, callerGone, commandContext, preferenceOf } from './answer-command.ts';
import type { AnyReply, AnyRequest } from './app-types.ts';
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
  const { timing } = deps.commands;
  const inTime = () => new Date(Date.now() + timing.commandTimeoutMs);
  const bulkId = randomUUID();
  const noFingerprint = () => new Uint8Array();
  const staging = { ...commandContext(request, inTime(), noFingerprint), operationId: bulkId };
  const { items, fingerprint } = await uploadBulk(body, kind, (offset, some) =>
    deps.bulks.stage({ ...staging, deadline: timestampFromDate(inTime()) }, offset, some),
  );
  const deadline = inTime();
  const context = { ...commandContext(request, deadline, () => fingerprint), operationId: bulkId };
  const preference = preferenceOf(request);
  const { principal } = context;
  const { operation, replayed } = await runCommand(deps.commands, {
    operationId: bulkId,
    principal,
    deadline,
    waitMs: waitMsOf(preference, deps.defaultWaitSeconds),
    callerGone: callerGone(reply),
    send: (timeoutMs) => deps.bulks.start({ context, items, mode: modes[body.mode] }, timeoutMs),
  });
  if (replayed) reply.header('Idempotency-Replayed', 'true');
  const bulk = await deps.bulks.get(principal, operation.id);
  applyPreference(reply, preference, hasEnded(operation));
  if (hasEnded(operation)) return sendResults(deps, request, reply, { principal, bulk });
  return reply.code(202).header('Location', `/v1/bulks/${bulk.id}`).send(showBulk(bulk, request.scope.traceId));
}
