import type { CommandContextSchema, RouterDetails } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { routerMethods as method, type RouterAdministration, routerUse } from '../../nats/router-service.ts';
import { commandContext, ifVersionOf, principalOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, keyedHeaders, taggedResponses } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { digestOf, sendTagged, sendWithTag } from '../entity-tag.ts';
import { type ProblemStatus, responses } from '../problem-schemas.ts';
import { addRouterBody, routerParams, testRouterBody, updateRouterBody } from './router-schemas.ts';
import { showRouter, showRouterTest } from './show-router.ts';
import { toSettings } from './to-router.ts';

/** What the routes need: the services, and after how long a command is refused. */
export interface RouterDeps {
  readonly routers: RouterAdministration;
  readonly commandTimeoutMs: number;
}

const path = '/v1/routers';
const onePath = `${path}/:router`;
const reading = { permission: 'routers:read' } as const;
const administering = { permission: 'routers:admin' } as const;
const changing = { ...administering, audit: 'driver' } as const;
const tags = ['Routers'];

const changed = (status: 200 | 201, ...more: ProblemStatus[]) => {
  const { 200: answer } = taggedResponses('Router', 'The router, as it is now.');
  return responses({ [status]: answer }, 400, 413, 415, 422, 504, ...more);
};

/** Routers: added, listed, looked at, tested, changed, switched off and on, and removed. */
export function routerRoutes(app: App, deps: RouterDeps): void {
  readRoutes(app, deps);
  addRoute(app, deps);
  updateRoute(app, deps);
  removeRoute(app, deps);
  switchRoutes(app, deps);
  testRoutes(app, deps);
}

function readRoutes(app: App, { routers }: RouterDeps): void {
  const list = {
    operationId: 'listRouters',
    summary: 'List routers',
    tags,
    headers: ifNoneMatchHeader,
    response: responses(taggedResponses('RouterList', 'All routers.')),
  };
  app.get(path, { schema: list, config: reading }, async (request, reply) => {
    const found = await routers.read(method.listRouterDetails, { principal: principalOf(request) });
    return sendTagged(request, reply, { items: found.routers.map(showRouter) });
  });

  const get = {
    operationId: 'getRouter',
    summary: 'Get a router',
    tags,
    headers: ifNoneMatchHeader,
    params: routerParams,
    response: responses(taggedResponses('Router', 'The router.'), 404),
  };
  app.get(onePath, { schema: get, config: reading }, async (request, reply) => {
    const { router } = request.params;
    const details = await routers.read(method.getRouter, { principal: principalOf(request), router });
    return sendRouter(request, reply, details);
  });
}

function addRoute(app: App, deps: RouterDeps): void {
  const schema = {
    operationId: 'addRouter',
    summary: 'Add a router',
    description:
      'It is known at once and looked at soon: `state` says when it can be used. The same name with the same settings again is answered the same.',
    tags,
    headers: keyedHeaders,
    body: addRouterBody,
    response: changed(201, 409),
  };
  app.post(path, { schema, config: changing }, async (request, reply) => {
    const { name, enabled = true, ...settings } = request.body;
    const message = { name, settings: toSettings(settings), disabled: !enabled, context: contextOf(deps, request) };
    const details = await deps.routers.change(method.addRouter, message);
    return sendRouter(request, reply.code(201).header('Location', `${path}/${name}`), details);
  });
}

function updateRoute(app: App, deps: RouterDeps): void {
  const schema = {
    operationId: 'updateRouter',
    summary: 'Change a router',
    tags,
    headers: keyedConditionalHeaders,
    params: routerParams,
    body: updateRouterBody,
    response: changed(200, 404, 409, 412),
  };
  app.patch(onePath, { schema, config: changing }, async (request, reply) => {
    const { router } = request.params;
    const message = { router, ...toSettings(request.body), context: contextOf(deps, request) };
    return sendRouter(request, reply, await deps.routers.change(method.updateRouter, message));
  });
}

function removeRoute(app: App, deps: RouterDeps): void {
  const schema = {
    operationId: 'removeRouter',
    summary: 'Remove a router',
    description:
      'Refused while it has VMs, pools that people made, reservations or waiting changes. Its API key is forgotten.',
    tags,
    headers: keyedConditionalHeaders,
    params: routerParams,
    response: responses({ 204: { description: 'It is removed.', type: 'null' } }, 404, 409, 412, 422, 504),
  };
  app.delete(onePath, { schema, config: changing }, async (request, reply) => {
    const { router } = request.params;
    const use = await deps.routers.read(routerUse, { principal: principalOf(request), router });
    refuseUsed(router, use);
    const { replayed } = await deps.routers.change(method.removeRouter, { router, context: contextOf(deps, request) });
    if (replayed) reply.header('Idempotency-Replayed', 'true');
    return reply.code(204).send();
  });
}

function switchRoutes(app: App, deps: RouterDeps): void {
  for (const [verb, enabled, description] of [
    ['disable', false, 'Nothing is sent to it any more, once the request in flight has ended. Changes wait.'],
    ['enable', true, 'What waited is applied.'],
  ] as const) {
    const schema = {
      operationId: `${verb}Router`,
      summary: `Switch a router ${enabled ? 'on' : 'off'}`,
      description,
      tags,
      headers: keyedConditionalHeaders,
      params: routerParams,
      body: emptyBody,
      response: changed(200, 404, 409, 412),
    };
    app.post(`${onePath}/${verb}`, { schema, config: { ...changing, bodyOptional: true } }, async (request, reply) => {
      const message = { router: request.params.router, enabled, context: contextOf(deps, request) };
      return sendRouter(request, reply, await deps.routers.change(method.updateRouter, message));
    });
  }
}

function testRoutes(app: App, { routers }: RouterDeps): void {
  const answer = (...more: ProblemStatus[]) => responses({ 200: { $ref: 'RouterTest#' } }, 400, 413, 415, 422, ...more);
  const settings = {
    operationId: 'testRouterSettings',
    summary: 'Test the settings of a router',
    description:
      'Tries what Berth needs, and changes nothing. What failed is in the answer, which is 200 all the same.',
    tags,
    body: testRouterBody,
    response: answer(),
  };
  app.post(`${path}/test`, { schema: settings, config: administering }, async (request, reply) => {
    const message = { principal: principalOf(request), settings: toSettings(request.body) };
    return reply.send(showRouterTest(await routers.try(method.testRouter, message)));
  });

  const registered = {
    ...settings,
    operationId: 'testRouter',
    summary: 'Test a router',
    description: 'Tries what Berth needs, in the router’s turn: between two changes. Changes nothing.',
    params: routerParams,
    body: emptyBody,
    response: answer(404, 409),
  };
  const config = { ...administering, bodyOptional: true } as const;
  app.post(`${onePath}/test`, { schema: registered, config }, async (request, reply) => {
    const message = { principal: principalOf(request), router: request.params.router };
    return reply.send(showRouterTest(await routers.try(method.testRouter, message)));
  });
}

const contextOf = (
  { commandTimeoutMs }: RouterDeps,
  request: AnyRequest,
): MessageInitShape<typeof CommandContextSchema> => ({
  ...commandContext(request, new Date(Date.now() + commandTimeoutMs)),
  ifVersion: ifVersionOf(request),
});

function sendRouter(request: AnyRequest, reply: AnyReply, details: RouterDetails): unknown {
  if (details.replayed) reply.header('Idempotency-Replayed', 'true');
  const body = JSON.stringify(showRouter(details));
  return sendWithTag(request, reply, `"${details.version}-${digestOf(body)}"`, () => body);
}

function refuseUsed(
  router: string,
  {
    vms,
    pools,
    reservations,
  }: { readonly vms: number; readonly pools: readonly string[]; readonly reservations: number },
): void {
  const counts = [
    ...(vms > 0 ? [`${vms} VMs`] : []),
    ...(reservations > 0 ? [`${reservations} reservations`] : []),
    ...(pools.length > 0
      ? [`${pools.length} pools that people made or changed (${pools.slice(0, 5).join(', ')})`]
      : []),
  ];
  if (counts.length === 0) return;
  throw new DomainError('conflict', 'ROUTER_IN_USE', `The router ${router} has ${counts.join(', ')}.`);
}
