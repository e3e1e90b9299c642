import type { ChangeForwardsRequestSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Static, Type } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseForwardChange, parseForwardChanges, parseNewForwards } from '../../../domain/forwards/change-forwards.ts';
import { type AnswerCommandDeps, answerCommand, ifVersionOf } from '../answer-command.ts';
import type { AnyReply, AnyRequest, App } from '../app-types.ts';
import { asWritten } from '../as-written.ts';
import { commandResponses, conditionalHeaders } from '../command-docs.ts';
import { planQuery } from '../plans/planning.ts';
import { machineIdOf } from '../vms/machine-id.ts';
import { forwardNameParam, machineParams } from '../vms/vm-schemas.ts';
import { forwardFieldOf } from './forward-field.ts';
import { forwardNameOf } from './forward-name.ts';
import { changeForwardsBody, createForwardsBody, forwardChangeBody } from './forward-schemas.ts';
import { showChangedForwards } from './show-forwards.ts';
import { toForwardEdit, toForwardSpec } from './to-forwards.ts';

type Deps = AnswerCommandDeps;
type Changes = Pick<MessageInitShape<typeof ChangeForwardsRequestSchema>, 'create' | 'update' | 'delete'>;

const all = '/v1/vms/:machine_id/forwards';
const one = `${all}/:forward_name`;
const oneParams = Type.Object({ ...machineParams.properties, forward_name: forwardNameParam });
const config = { permission: 'vms:write', plannable: true } as const;
const common = { tags: ['Forwards'], headers: conditionalHeaders, querystring: planQuery };

/** Forwards are made, changed and deleted, each request one router commit. */
export function changeForwardsRoutes(app: App, deps: Deps): void {
  createRoute(app, deps);
  changeSeveralRoute(app, deps);
  changeOneRoute(app, deps);
  deleteRoute(app, deps);
}

function createRoute(app: App, deps: Deps): void {
  const schema = {
    ...common,
    operationId: 'createForwards',
    summary: 'Create forwards',
    description: 'One, or several in one router commit. One of a name that exists is a conflict.',
    params: machineParams,
    body: createForwardsBody,
    response: commandResponses(201, 'ChangedForwards', 404, 412, 507) as unknown,
  };
  app.post(all, { schema, config }, (request, reply) =>
    answerChange(deps, request, reply, { ...toNewForwards(request.body), params: request.params, status: 201 }),
  );
}

function changeSeveralRoute(app: App, deps: Deps): void {
  const schema = {
    ...common,
    operationId: 'changeForwards',
    summary: 'Create, change and delete forwards',
    description: 'All in one router commit.',
    params: machineParams,
    body: changeForwardsBody,
    response: commandResponses(200, 'ChangedForwards', 404, 412, 507) as unknown,
  };
  app.patch(all, { schema, config }, (request, reply) =>
    answerChange(deps, request, reply, { ...toChanges(request.body), params: request.params, status: 200 }),
  );
}

function changeOneRoute(app: App, deps: Deps): void {
  const schema = {
    ...common,
    operationId: 'updateForward',
    summary: 'Change a forward',
    params: oneParams,
    body: forwardChangeBody,
    response: commandResponses(200, 'ChangedForwards', 404, 412, 507) as unknown,
  };
  app.patch(one, { schema, config }, (request, reply) => {
    const checks = new FieldChecks();
    const change = parseForwardChange(forwardNameOf(request.params.forward_name), request.body, checks);
    checks.finish();
    const pathOf = (field: string) => field.replace(/^update\[0\]\.?/, '').replace(/^new_name$/, 'name');
    const update = [toForwardEdit(change)];
    return answerChange(deps, request, reply, { update, params: request.params, status: 200, pathOf });
  });
}

function deleteRoute(app: App, deps: Deps): void {
  const schema = {
    ...common,
    operationId: 'deleteForward',
    summary: 'Delete a forward',
    description: 'Its rule is removed from the router; the rule’s number is kept for the name.',
    params: oneParams,
    response: commandResponses(200, 'ChangedForwards', 404, 412) as unknown,
  };
  app.delete(one, { schema, config }, (request, reply) => {
    const name = forwardNameOf(request.params.forward_name);
    return answerChange(deps, request, reply, { delete: [name], params: request.params, status: 200 });
  });
}

/** The new forwards that a body asks for. Throws once, naming every field that is wrong. */
function toNewForwards(body: Static<typeof createForwardsBody>): Pick<Change, 'create' | 'pathOf'> {
  const checks = new FieldChecks();
  const isList = 'forwards' in body;
  const forwards = isList
    ? parseNewForwards(body.forwards, (index) => `forwards[${index}]`, checks)
    : parseNewForwards([body], () => '', checks);
  checks.finish();
  const pathOf = (field: string) => field.replace(isList ? /^create/ : /^create\[0\]\.?/, isList ? 'forwards' : '');
  return { create: forwards.map(toForwardSpec), pathOf };
}

/** The changes that a body asks for. Throws once, naming every field that is wrong. */
function toChanges(body: Static<typeof changeForwardsBody>): Changes {
  const checks = new FieldChecks();
  const changes = parseForwardChanges(body, checks);
  checks.finish();
  return {
    create: changes.create.map(toForwardSpec),
    update: changes.update.map(toForwardEdit),
    delete: [...changes.delete],
  };
}

interface Change extends Changes {
  readonly params: { readonly machine_id: string };
  readonly status: 200 | 201;
  /** What the caller wrote instead of `create[0].name` and the like. */
  readonly pathOf?: (field: string) => string;
}

function answerChange(deps: Deps, request: AnyRequest, reply: AnyReply, change: Change): Promise<unknown> {
  const { params, status, pathOf = (field) => field, ...changes } = change;
  const machineId = machineIdOf(params);
  const ifVersion = ifVersionOf(request);
  const answer = () =>
    answerCommand(deps, request, reply, {
      command: (context) => ({
        case: 'changeForwards',
        value: { ...changes, context: { ...context, ifVersion }, machineId },
      }),
      status,
      show: showChangedForwards,
    });
  return asWritten(answer, (field) => forwardFieldOf(pathOf(field), request.body));
}
