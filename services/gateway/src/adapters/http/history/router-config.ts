import { FieldChecks } from '../../../domain/field-checks.ts';
import { configLines, configTrees } from '../../../domain/history/config-lines.ts';
import { parseMoment } from '../../../domain/history/history-moment.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { problems } from '../problem-schemas.ts';
import { configQuery, diffQuery, routerParams } from './history-schemas.ts';
import { type HistoryDeps, historyTags, momentOnWire, readingRouters } from './router-commits.ts';
import { showCommands, showCommit, toCommands } from './show-commit.ts';

/** What stood on a router at a moment, and what differs between two. */
export function routerConfigRoutes(app: App, deps: HistoryDeps): void {
  configAt(app, deps);
  diff(app, deps);
}

function configAt(app: App, { history }: HistoryDeps): void {
  const schema = {
    operationId: 'getRouterConfig',
    summary: 'Get what stands, or stood, on a router',
    description:
      'NAT and the DHCP server, as the history knows them: Berth’s part to the line, others’ as looks saw it.',
    tags: historyTags,
    params: routerParams,
    querystring: configQuery,
    response: { 200: { $ref: 'ConfigAt#' }, ...problems(401, 403, 404, 422, 429, 500, 503) } as unknown,
  };
  app.get('/v1/routers/:router/config', { schema, config: readingRouters }, async (request, reply) => {
    const { at, format = 'tree', part = 'all' } = request.query;
    const moments = readMoments({ at });
    const { router } = request.params;
    const { operations, commit } = await history.operations({
      principal: principalOf(request),
      router,
      question: { case: 'config', value: { ...(moments.at && { at: moments.at }), ownedOnly: part === 'owned' } },
    });
    const commands = toCommands(operations);
    return reply.send({
      router,
      commit: commit ? showCommit(commit) : null,
      part,
      ...(format === 'lines' ? { lines: configLines(commands) } : { tree: configTrees(commands).set }),
    });
  });
}

function diff(app: App, { history }: HistoryDeps): void {
  const schema = {
    operationId: 'diffRouterConfig',
    summary: 'Compare two moments of a router',
    description: 'The commands that lead from one to the other.',
    tags: historyTags,
    params: routerParams,
    querystring: diffQuery,
    response: { 200: { $ref: 'ConfigDiff#' }, ...problems(401, 403, 404, 422, 429, 500, 503) } as unknown,
  };
  app.get('/v1/routers/:router/diff', { schema, config: readingRouters }, async (request, reply) => {
    const { from, to, part = 'all' } = request.query;
    const moments = readMoments({ from, to });
    const { router } = request.params;
    const found = await history.operations({
      principal: principalOf(request),
      router,
      question: { case: 'diff', value: { ...moments, ownedOnly: part === 'owned' } },
    });
    return reply.send({
      router,
      from: found.from ? showCommit(found.from) : null,
      to: found.commit ? showCommit(found.commit) : null,
      part,
      ...showCommands(found.operations),
    });
  });
}

/** Throws once, naming every one that is wrong. */
function readMoments<Name extends string>(texts: Record<Name, string | undefined>) {
  const checks = new FieldChecks();
  const moments: Partial<Record<Name, ReturnType<typeof momentOnWire>>> = {};
  for (const name of Object.keys(texts) as Name[]) {
    const text = texts[name];
    const moment = text === undefined ? undefined : checks.of(name, () => parseMoment(text));
    if (moment !== undefined) moments[name] = momentOnWire(moment);
  }
  checks.finish();
  return moments;
}
