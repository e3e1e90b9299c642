import type { VmReader } from '../../../app/list-vms.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, taggedResponses } from '../command-docs.ts';
import { sendWithTag } from '../entity-tag.ts';
import { problems } from '../problem-schemas.ts';
import { machineIdOf } from './machine-id.ts';
import { showVm, vmTag } from './show-vm.ts';
import { machineParams } from './vm-schemas.ts';

/** One VM, whole. */
export function vmRoutes(app: App, deps: { vms: VmReader }): void {
  const schema = {
    operationId: 'getVm',
    summary: 'Get a VM',
    description: 'As the router has confirmed it.',
    tags: ['VMs'],
    headers: ifNoneMatchHeader,
    params: machineParams,
    response: { ...taggedResponses('Vm', 'The VM.'), ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.get('/v1/vms/:machine_id', { schema, config: { permission: 'vms:read' } }, async (request, reply) => {
    const vm = await deps.vms.get(principalOf(request), machineIdOf(request.params));
    return sendWithTag(request, reply, vmTag(vm), () => JSON.stringify(showVm(vm)));
  });
}
