import { type BackedUpVm, BackedUpVmSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { fromJson, type JsonValue, toJson, toJsonString } from '@bufbuild/protobuf';
import { Type } from 'typebox';
import { compareBackups } from '../../../domain/history/compare-backup.ts';
import type { BackupService } from '../../nats/backup-service.ts';
import type { HistoryReader } from '../../nats/history-service.ts';
import { type AnswerCommandDeps, commandContext, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { bulkBodyBytes } from '../bulk/bulk-body.ts';
import { showPlan } from '../plans/show-plan.ts';
import { problems } from '../problem-schemas.ts';
import { routerParams } from './history-schemas.ts';
import { planHeaders, plannedResponses } from './rollback.ts';
import { backupFormat, restoreBody } from './rollback-schemas.ts';

export interface BackupDeps extends AnswerCommandDeps {
  readonly backups: BackupService;
  readonly history: HistoryReader;
}

const tags = ['Routers'];
const config = { permission: 'routers:admin' } as const;
/** What one plan changes at most, and what fits into a message. */
const mostChanges = 200;
/** So many at once when they come in parts. */
const part = 100;

/** Backups of what Berth has on a router, and the way back to one. */
export function backupRoutes(app: App, deps: BackupDeps): void {
  backupRoute(app, deps);
  restoreRoute(app, deps);
}

function backupRoute(app: App, { backups, history }: BackupDeps): void {
  const schema = {
    operationId: 'backUpRouter',
    summary: 'Back up what Berth has on a router',
    description:
      'Every VM with all its values and forwards, as the router has confirmed them. No secrets. Keep it where you like: `restore` takes it as it is. Needs a key of no group.',
    tags,
    params: routerParams,
    response: { 200: { $ref: 'Backup#' }, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.get('/v1/routers/:router/backup', { schema, config }, async (request, reply) => {
    const { router } = request.params;
    const principal = principalOf(request);
    const { commits } = await history.commits({ principal, router, pageSize: 1 });
    const vms = await backups.list(principal, router);
    const [newest] = commits;
    return reply.send({
      format: backupFormat,
      router,
      taken_at: new Date().toISOString(),
      commit: newest ? { id: newest.id, number: Number(newest.number) } : null,
      vms: vms.map((vm) => toJson(BackedUpVmSchema, vm, { useProtoFieldName: true, alwaysEmitImplicit: true })),
    });
  });
}

function restoreRoute(app: App, deps: BackupDeps): void {
  const schema = {
    operationId: 'planRestore',
    summary: 'Restore a backup',
    description:
      'Plans the way back to a backup, as a rollback does to a commit. `POST /v1/plans/{id}/apply` does it. Needs a key of no group.',
    tags,
    params: routerParams,
    headers: Type.Object(planHeaders),
    body: restoreBody,
    response: plannedResponses as unknown,
  };
  app.post('/v1/routers/:router/restore', { schema, config, bodyLimit: bulkBodyBytes }, async (request, reply) => {
    const { router } = request.params;
    const { backup, as_router: asRouter = false, reduce = false } = request.body;
    const { in_parts: inParts = false, expires_in_seconds: seconds = 0 } = request.body;
    if (backup.router !== router && !asRouter) throw otherRouter(backup.router);
    const then = readVms(backup.vms);
    const now = await deps.backups.list(principalOf(request), router);
    const all = compareBackups(then, now, (vm) => toJsonString(BackedUpVmSchema, { ...vm, id: '' }));
    const count = all.changed.length + all.removedIds.length;
    if (count > mostChanges && !inParts) throw tooLarge(count);
    const most = inParts ? part : mostChanges;
    const changed = all.changed.slice(0, most);
    const removedIds = all.removedIds.slice(0, most - changed.length);
    const plan = await deps.backups.planRestore({
      context: commandContext(request, new Date(Date.now() + deps.commands.timing.commandTimeoutMs)),
      ...{ router, reduce, expiresInSeconds: seconds, vms: changed, removedVmIds: removedIds },
      request: `POST /v1/routers/${router}/restore`,
    });
    return reply.code(201).header('Location', `/v1/plans/${plan.id}`).send(showPlan(plan, request.scope.traceId));
  });
}

/** VMs of a document that may have been changed by anybody. */
function readVms(vms: readonly unknown[]): BackedUpVm[] {
  return vms.map((vm, index) => {
    try {
      return fromJson(BackedUpVmSchema, vm as JsonValue); // it came as JSON
    } catch (error) {
      const message = error instanceof Error ? error.message : 'cannot be read';
      throw invalidField(`backup.vms[${index}]`, message);
    }
  });
}

const invalidField = (field: string, message: string) =>
  new DomainError('invalid', 'INVALID_REQUEST', 'Some fields of the request are not valid; see errors.', {
    fields: [{ field, message }],
  });

const otherRouter = (name: string) =>
  invalidField('backup.router', `is the router "${name}": say "as_router": true if that is meant so`);

const tooLarge = (vms: number) =>
  new DomainError(
    'too_large',
    'ROLLBACK_TOO_LARGE',
    `${vms} VMs would change, and a plan is of at most ${mostChanges}: ask for it "in_parts".`,
  );
