import { type CheckDriftResponse, type Principal, RouterState } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { Type } from 'typebox';
import type { DriftReader } from '../../nats/drift-service.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { emptyBody } from '../common-schemas.ts';
import { strict } from '../json-types.ts';
import { problems } from '../problem-schemas.ts';
import type { DriftDeps } from './drift.ts';
import type { SyncResultDocument } from './drift-schemas.ts';
import { showCounts } from './show-drift.ts';

const answer = (description: string) => ({
  description,
  content: { 'application/json': { schema: { $ref: 'SyncResult#' } } },
});

/** The check for drift in the form that clients from before know. */
export function syncVyosConfigRoutes(app: App, { drift, waitSeconds }: DriftDeps & { waitSeconds: number }): void {
  const schema = {
    operationId: 'syncVyosConfig',
    summary: 'Compare routers with what was applied, and repair them',
    tags: ['Drift'],
    querystring: Type.Object(
      {
        repair: Type.Optional(Type.Boolean({ description: 'Undo the differences on paths of Berth. Default false.' })),
        router: Type.Optional(Type.String({ description: 'Default: every router.' })),
      },
      strict,
    ),
    body: emptyBody,
    response: {
      200: answer('All were compared, and repaired where that was asked for.'),
      202: answer('It goes on; the report is what is known so far.'),
      ...problems(400, 401, 403, 404, 413, 415, 422, 429, 500, 503),
    } as unknown,
  };
  const config = { permission: 'routers:admin', bodyOptional: true } as const;
  app.post('/v1/admin/sync-vyos-config', { schema, config }, async (request, reply) => {
    const { repair = false, router } = request.query;
    const principal = principalOf(request);
    const waitMs = waitSeconds * 1_000;
    const check = (one: string) => drift.check(principal, { router: one, repair, waitMs });
    const checks =
      router === undefined
        ? await Promise.all((await reachable(drift, principal)).map((one) => check(one).catch(notYet)))
        : [await check(router)];
    const done = checks.every((check) => check.done);
    return reply.code(done ? 200 : 202).send(sumOf(checks, { done, repair }));
  });
}

/** What is switched off is not compared. */
const reachable = async (drift: DriftReader, principal: Principal): Promise<readonly string[]> =>
  (await drift.reports(principal))
    .filter(({ routerState }) => routerState !== RouterState.DISABLED)
    .map((report) => report.router);

/** One router of several that does not answer is compared as soon as it does. */
function notYet(error: unknown): Pick<CheckDriftResponse, 'done' | 'report'> {
  if (isKind(error, 'unavailable')) return { done: false };
  throw error;
}

const nothing = { added: 0, deleted: 0, updated: 0, no_change: 0 };

function sumOf(
  checks: readonly Pick<CheckDriftResponse, 'report'>[],
  { done, repair }: { readonly done: boolean; readonly repair: boolean },
): SyncResultDocument {
  const report = { ...nothing };
  for (const check of checks) {
    const counts = check.report ? showCounts(check.report) : nothing;
    for (const name of ['added', 'deleted', 'updated', 'no_change'] as const) report[name] += counts[name];
  }
  const differences = report.added + report.deleted + report.updated;
  const found = `${differences} ${differences === 1 ? 'difference' : 'differences'}`;
  const checked = `Checked ${checks.length} ${checks.length === 1 ? 'router' : 'routers'}: ${found}`;
  if (!done) return { status: 'pending', message: 'The check goes on; this is what is known so far.', report };
  return { status: 'success', message: `${checked}${repair && differences > 0 ? ', repaired' : ''}.`, report };
}
