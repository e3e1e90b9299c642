import { OperationKind } from '@berth/contracts';
import { DomainError, type FieldError } from '@berth/errors';
import { type Static, Type } from 'typebox';
import { invalidRequest, sayFields } from '../../../domain/field-checks.ts';
import { isUuid } from '../../../domain/vms/vm-name.ts';
import { type AnswerCommandDeps, answerOperation, commandContext, principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { type BulkDeps, runBulk } from '../bulk/bulk-accept.ts';
import { commandHeaders, commandResponses, conditionalHeaders } from '../command-docs.ts';
import { linkToNext } from '../next-link.ts';
import { showResult } from '../operations/show-operation.ts';
import { problems } from '../problem-schemas.ts';
import { applyPlanBody, createPlanBody, plansQuery } from './plan-schemas.ts';
import { asPlan, notPlannable } from './planning.ts';
import { planStateOf, showPlan, showPlanSummary } from './show-plan.ts';

type PlansDeps = AnswerCommandDeps & BulkDeps;

const tags = ['Plans'];
const params = Type.Object({ plan_id: Type.String({ description: 'The plan’s id.' }) });
const reading = { permission: 'vms:read' } as const;
const writing = { permission: 'vms:write' } as const;

/** Plans: what a write would do, kept with the values that it would hand out, until it is applied. */
export function planRoutes(app: App, deps: PlansDeps): void {
  createRoute(app, deps);
  readRoutes(app, deps);
  applyRoute(app, deps);
  discardRoute(app, deps);
}

function createRoute(app: App, deps: PlansDeps): void {
  const schema = {
    operationId: 'createPlan',
    summary: 'Plan a write',
    description:
      'Any write of VMs, forwards, ports or bulks (of at most 200 items), as it would be sent. What it would hand out is held until the plan expires, is applied or discarded. `If-Match` is that of the write.',
    tags,
    headers: Type.Object({
      'idempotency-key': commandHeaders.properties['idempotency-key'],
      'if-match': conditionalHeaders.properties['if-match'],
    }),
    body: createPlanBody,
    response: {
      201: {
        description: 'The plan.',
        headers: { Location: { type: 'string', description: '/v1/plans/{id}' } },
        content: { 'application/json': { schema: { $ref: 'Plan#' } } },
      },
      ...problems(400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 503, 507),
    } as unknown,
  };
  app.post('/v1/plans', { schema, config: writing }, async (request, reply) => {
    const { request: write, expires_in_seconds: expiresInSeconds = 0 } = request.body;
    const context = commandContext(request, new Date(Date.now() + deps.commands.timing.commandTimeoutMs));
    const answer = await asPlan({ dryRun: false, context, expiresInSeconds }, () => ask(app, request, write));
    return sendAnswer(reply, answer, queryOf(write.path));
  });
}

/** Asks for the write itself. It is planned, because it is asked for within a plan; should it ever not be, it says that it is a dry run. */
async function ask(
  app: App,
  { headers, ip }: AnyRequest,
  { method, path, body }: Static<typeof createPlanBody>['request'],
) {
  const copied = ['x-api-key', 'authorization', 'if-match', 'traceparent'].flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const query = queryOf(path);
  if (query.has('dry_run')) {
    throw invalidRequest([{ field: 'request.path', message: 'must be without dry_run: it is planned anyhow' }]);
  }
  const url = `${path}${path.includes('?') ? '&' : '?'}dry_run=true`;
  const payload = body === undefined ? undefined : JSON.stringify(body);
  // Awaited here: the request is made when somebody waits for it, and that must be within the plan.
  return await app.inject({
    method,
    url,
    remoteAddress: ip,
    headers: {
      ...Object.fromEntries(copied),
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(payload === undefined ? {} : { payload }),
  });
}

const queryOf = (path: string): URLSearchParams => new URLSearchParams(path.split('?').slice(1).join('?'));

/** Answers what the write was answered with. `query`: of the write, to tell its parameters from fields of its body. */
function sendAnswer(reply: AnyReply, answer: Awaited<ReturnType<typeof ask>>, query: URLSearchParams): unknown {
  const body: Record<string, unknown> = Object(answer.json());
  if (answer.statusCode === 200) {
    if (answer.headers['idempotency-replayed'] === 'true') reply.header('Idempotency-Replayed', 'true');
    return reply
      .code(201)
      .header('Location', `/v1/plans/${String(body['id'])}`)
      .send(body);
  }
  if (body['code'] === 'ROUTE_NOT_FOUND' || body['code'] === 'METHOD_NOT_ALLOWED') throw notPlannable();
  const errors: unknown = body['errors'];
  const fields = Array.isArray(errors) ? errors.map((error) => withinRequest(error, query)) : undefined;
  const named = fields && { errors: fields, ...(body['code'] === 'INVALID_REQUEST' && { detail: sayFields(fields) }) };
  const retryAfter = answer.headers['retry-after'];
  if (retryAfter !== undefined) reply.header('Retry-After', retryAfter);
  return reply
    .code(answer.statusCode)
    .type('application/problem+json')
    .send({ ...body, ...named });
}

/** A field of the write, as the caller of the plan wrote it. */
function withinRequest(error: unknown, query: URLSearchParams): FieldError {
  const { field: given, message: said }: { field?: unknown; message?: unknown } = Object(error);
  const [field, message] = [String(given), String(said)];
  if (field.startsWith('request.') || field === 'If-Match') return { field, message };
  if (query.has(field)) return { field: 'request.path', message: `${field} ${message}` };
  return { field: field === 'body' ? 'request.body' : `request.body.${field}`, message };
}

function readRoutes(app: App, { plans }: PlansDeps): void {
  const one = {
    operationId: 'getPlan',
    summary: 'Get a plan',
    tags,
    params,
    response: { 200: { $ref: 'Plan#' }, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.get('/v1/plans/:plan_id', { schema: one, config: reading }, async (request) => {
    const plan = await plans.get(principalOf(request), planIdOf(request.params));
    return showPlan(plan, request.scope.traceId);
  });
  const all = {
    operationId: 'listPlans',
    summary: 'List plans',
    description: 'Your own and those of your group, the newest first. Kept for 7 days.',
    tags,
    querystring: plansQuery,
    response: {
      200: {
        description: 'A page of plans.',
        headers: { Link: { type: 'string', description: '`<…>; rel="next"` when there is more.' } },
        content: { 'application/json': { schema: { $ref: 'PlanPage#' } } },
      },
      ...problems(401, 403, 422, 429, 500, 503),
    } as unknown,
  };
  app.get('/v1/plans', { schema: all, config: reading }, async (request, reply) => {
    const { limit: size = 0, cursor: token = '', state = [] } = request.query;
    const page = await plans.list(principalOf(request), { size, token, states: state.map(planStateOf) });
    if (page.nextPageToken !== '') reply.header('Link', linkToNext(request.url, page.nextPageToken));
    return reply.send({ items: page.plans.map(showPlanSummary), next_cursor: page.nextPageToken || null });
  });
}

function applyRoute(app: App, deps: PlansDeps): void {
  const schema = {
    operationId: 'applyPlan',
    summary: 'Apply a plan',
    description:
      'Does exactly what the plan says, and answers as the write itself would. 409 when what the plan stands on has changed.',
    tags,
    headers: commandHeaders,
    params,
    body: applyPlanBody,
    response: {
      ...commandResponses(200, 'Operation', 404, 412, 507),
      200: answerOf(
        'As the write itself answers.',
        'ChangedPorts',
        'ChangedForwards',
        'Vm',
        'DecommissionedVm',
        'BulkResult',
      ),
      201: answerOf('As the write itself answers: of a provision.', 'ProvisionedVm'),
      207: answerOf('As the write itself answers: of a bulk whose items did not all succeed.', 'BulkResult'),
    } as unknown,
  };
  app.post(
    '/v1/plans/:plan_id/apply',
    { schema, config: { ...writing, bodyOptional: true } },
    async (request, reply) => {
      const planId = planIdOf(request.params);
      const { hash = '' } = request.body;
      const { kind } = await deps.plans.get(principalOf(request), planId);
      if (kind === OperationKind.BULK) {
        const apply = {
          id: planId,
          start: (context: Context, t: number) => deps.plans.apply({ context, planId, hash }, t),
        };
        return runBulk(deps, request, reply, apply);
      }
      return answerOperation(deps, request, reply, {
        send: (context, timeoutMs) => deps.plans.apply({ context, planId, hash }, timeoutMs),
        status: kind === OperationKind.PROVISION_VM ? 201 : 200,
        show: showResult,
      });
    },
  );
}

const answerOf = (description: string, ...schemaIds: string[]) => {
  const schemas = schemaIds.map((id) => ({ $ref: `${id}#` }));
  return {
    description,
    content: { 'application/json': { schema: schemas.length === 1 ? schemas[0] : { anyOf: schemas } } },
  };
};

type Context = ReturnType<typeof commandContext>;

function discardRoute(app: App, deps: PlansDeps): void {
  const schema = {
    operationId: 'discardPlan',
    summary: 'Discard a plan',
    description: 'What it holds is free at once. One that was applied, or holds nothing any more, stays as it is.',
    tags,
    params,
    response: { 204: { description: 'It holds nothing.' }, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.delete('/v1/plans/:plan_id', { schema, config: writing }, async (request, reply) => {
    const planId = planIdOf(request.params);
    const context = commandContext(request, new Date(Date.now() + deps.commands.timing.commandTimeoutMs));
    await deps.plans.discard({ context, planId });
    return reply.code(204).send();
  });
}

function planIdOf({ plan_id }: { readonly plan_id: string }): string {
  const id = plan_id.toLowerCase();
  if (!isUuid(id)) throw new DomainError('not_found', 'PLAN_NOT_FOUND', 'There is no such plan.');
  return id;
}
