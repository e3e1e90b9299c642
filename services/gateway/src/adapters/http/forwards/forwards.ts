import { Type } from 'typebox';
import type { VmReader } from '../../../app/list-vms.ts';
import { type AnswerCommandDeps, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, taggedResponses } from '../command-docs.ts';
import { sendWithTag } from '../entity-tag.ts';
import { problems } from '../problem-schemas.ts';
import { machineIdOf } from '../vms/machine-id.ts';
import { vmTag } from '../vms/show-vm.ts';
import { forwardNameParam, machineParams } from '../vms/vm-schemas.ts';
import { portNotFound } from './forward-name.ts';
import { changeForwardsRoutes } from './forwards-changes.ts';
import { showForward, showVmForwards } from './show-forwards.ts';
import { forwardOf } from './show-ports.ts';

const config = { permission: 'vms:read' } as const;
const common = { tags: ['Forwards'], headers: ifNoneMatchHeader };
const description = 'As the router has confirmed it. The ETag is that of the VM.';
const readProblems = problems(401, 403, 404, 429, 500, 503);

/** Forwards of a VM in detail. */
export function forwardRoutes(app: App, deps: AnswerCommandDeps & { reader: VmReader }): void {
  listForwards(app, deps.reader);
  getForward(app, deps.reader);
  changeForwardsRoutes(app, deps);
}

function listForwards(app: App, vms: VmReader): void {
  const schema = {
    ...common,
    operationId: 'listForwards',
    summary: 'List the forwards of a VM',
    description,
    params: machineParams,
    response: { ...taggedResponses('VmForwards', 'Those that exist.'), ...readProblems } as unknown,
  };
  app.get('/v1/vms/:machine_id/forwards', { schema, config }, async (request, reply) => {
    const vm = await vms.get(principalOf(request), machineIdOf(request.params));
    return sendWithTag(request, reply, vmTag(vm), () => JSON.stringify(showVmForwards(vm)));
  });
}

function getForward(app: App, vms: VmReader): void {
  const schema = {
    ...common,
    operationId: 'getForward',
    summary: 'Get a forward',
    description,
    params: Type.Object({ ...machineParams.properties, forward_name: forwardNameParam }),
    response: { ...taggedResponses('Forward', 'The forward.'), ...readProblems } as unknown,
  };
  app.get('/v1/vms/:machine_id/forwards/:forward_name', { schema, config }, async (request, reply) => {
    const vm = await vms.get(principalOf(request), machineIdOf(request.params));
    const forward = forwardOf(vm, request.params.forward_name);
    if (forward === undefined) throw portNotFound();
    return sendWithTag(request, reply, vmTag(vm), () => JSON.stringify(showForward(forward)));
  });
}
