import { CommitPart } from '@berth/contracts';
import { DomainError, isKind } from '@berth/errors';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { VmReader } from '../../../app/list-vms.ts';
import type { OperationLister } from '../../../app/operations/list-operations.ts';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { type HistoryMoment, parseMoment } from '../../../domain/history/history-moment.ts';
import { parseTime } from '../../../domain/parse-time.ts';
import { canBeMachineId, isUuid } from '../../../domain/vms/vm-name.ts';
import type { HistoryReader } from '../../nats/history-service.ts';
import { principalOf } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { linkToNext } from '../next-link.ts';
import { problems } from '../problem-schemas.ts';
import { commitParams, commitsQuery, routerParams } from './history-schemas.ts';
import { kindWords, showCommands, showCommit, showResources, stateWords } from './show-commit.ts';

/** What the routes of histories need. */
export interface HistoryDeps {
  readonly operations: OperationLister;
  readonly history: HistoryReader;
  readonly vms: VmReader;
}

export const historyTags = ['History'];
export const readingRouters = { permission: 'routers:read' } as const;
const defaultLimit = 100;

/** A router's history: its entries, and one of them whole. */
export function routerCommitRoutes(app: App, deps: HistoryDeps): void {
  listCommits(app, deps);
  getCommit(app, deps);
}

function listCommits(app: App, { history, vms, operations }: HistoryDeps): void {
  const schema = {
    operationId: 'listRouterCommits',
    summary: 'List the history of a router',
    description: `Newest first; those to which all of the filters apply. A page has ${defaultLimit} unless \`limit\` says otherwise.`,
    tags: historyTags,
    params: routerParams,
    querystring: commitsQuery,
    response: {
      200: {
        description: 'A page of commits.',
        headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
        content: { 'application/json': { schema: { $ref: 'CommitPage#' } } },
      },
      ...problems(401, 403, 404, 422, 429, 500, 503),
    } as unknown,
  };
  app.get('/v1/routers/:router/commits', { schema, config: readingRouters }, async (request, reply) => {
    const { since, until, vm, state = [], kind = [], principal, limit = defaultLimit, cursor = '' } = request.query;
    const checks = new FieldChecks();
    const times = {
      since: since === undefined ? undefined : checks.of('since', () => parseTime(since)),
      until: until === undefined ? undefined : checks.of('until', () => parseTime(until)),
    };
    checks.finish();
    const page = await history.commits({
      principal: principalOf(request),
      router: request.params.router,
      pageSize: limit,
      pageToken: cursor,
      ...(times.since && { since: timestampFromDate(times.since) }),
      ...(times.until && { until: timestampFromDate(times.until) }),
      resourceId: vm === undefined ? '' : await idOf({ vms, operations }, request, vm),
      states: wireValues(stateWords, state),
      kinds: wireValues(kindWords, kind),
      principalAsked: principal ?? '',
    });
    if (page.nextPageToken !== '') reply.header('Link', linkToNext(request.url, page.nextPageToken));
    return reply.send({ items: page.commits.map(showCommit), next_cursor: page.nextPageToken || null });
  });
}

function getCommit(app: App, { history }: HistoryDeps): void {
  const schema = {
    operationId: 'getRouterCommit',
    summary: 'Get a commit',
    description: 'What was sent, what really changed, the way back from that, and why, VM by VM.',
    tags: historyTags,
    params: commitParams,
    response: { 200: { $ref: 'CommitDetail#' }, ...problems(401, 403, 404, 422, 429, 500, 503) } as unknown,
  };
  app.get('/v1/routers/:router/commits/:commit', { schema, config: readingRouters }, async (request, reply) => {
    const asked = { principal: principalOf(request), router: request.params.router };
    const { commit, resources } = await history.commit({ ...asked, commit: commitOf(request.params.commit) });
    const number = { value: { case: 'commitNumber' as const, value: commit?.number ?? 0n } };
    const part = async (one: CommitPart) => {
      const question = { case: 'commit' as const, value: { commit: number, part: one } };
      return (await history.operations({ ...asked, question })).operations;
    };
    const sent = await part(CommitPart.SENT);
    const changes = await part(CommitPart.CHANGES);
    const inverse = await part(CommitPart.INVERSE);
    const [before, after] = [await part(CommitPart.BEFORE), await part(CommitPart.AFTER)];
    return reply.send({
      ...(commit && showCommit(commit)),
      sent: showCommands(sent),
      changes: showCommands(changes),
      inverse: showCommands(inverse),
      ...showResources(resources, before, after),
    });
  });
}

function commitOf(text: string) {
  const checks = new FieldChecks();
  const moment = checks.of('commit', () => parseMoment(text));
  checks.finish();
  return moment && momentOnWire(moment);
}

export const momentOnWire = (moment: HistoryMoment) =>
  moment.case === 'at' ? { value: { case: moment.case, value: timestampFromDate(moment.value) } } : { value: moment };

/** The id of the VM with that name; of several that bore it one after the other, and of removed ones, the last that did. */
async function idOf(
  { vms, operations }: Pick<HistoryDeps, 'vms' | 'operations'>,
  request: AnyRequest,
  vm: string,
): Promise<string> {
  if (isUuid(vm)) return vm.toLowerCase();
  const principal = principalOf(request);
  try {
    if (canBeMachineId(vm)) return (await vms.get(principal, vm)).id;
  } catch (error) {
    if (!isKind(error, 'not_found')) throw error;
  }
  const any = { states: [], kinds: [], since: undefined };
  const { operations: found } = await operations.list(principal, { size: 1, token: '' }, { ...any, machineId: vm });
  const [last] = found;
  if (last === undefined)
    throw new DomainError('not_found', 'VM_NOT_FOUND', `No VM has, or is known to have had, the name ${vm}.`);
  return last.vmId;
}

const wireValues = <Value extends number, Word extends string>(
  words: Record<Value, Word>,
  wanted: readonly string[],
): Value[] =>
  Object.entries<Word>(words).flatMap(([value, word]) =>
    Number(value) > 0 && wanted.includes(word) ? [Number(value) as Value] : [],
  );
