import { type AnswerCommandDeps, answerCommand, ifVersionOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandResponses, conditionalHeaders } from '../command-docs.ts';
import { vmOf } from '../operations/operation-vm.ts';
import { planQuery } from '../plans/planning.ts';
import { machineIdOf } from './machine-id.ts';
import { showVm, vmTag } from './show-vm.ts';
import { toUpdateVm } from './to-update-vm.ts';
import { updateVmBody } from './vm-resource-schemas.ts';
import { machineParams } from './vm-schemas.ts';

/** Changes a VM's name, MAC address, hostname, metadata or group. */
export function updateVmRoutes(app: App, deps: AnswerCommandDeps): void {
  const schema = {
    operationId: 'updateVm',
    summary: 'Change a VM',
    description:
      'Its name, MAC address, hostname, metadata or group, in one router commit where the router is concerned.',
    tags: ['VMs'],
    headers: conditionalHeaders,
    querystring: planQuery,
    params: machineParams,
    body: updateVmBody,
    response: commandResponses(200, 'Vm', 404, 412) as unknown,
  };
  app.patch(
    '/v1/vms/:machine_id',
    { schema, config: { permission: 'vms:write', plannable: true } },
    (request, reply) => {
      const machineId = machineIdOf(request.params);
      const change = toUpdateVm(request.body);
      const ifVersion = ifVersionOf(request);
      return answerCommand(deps, request, reply, {
        command: (context) => ({
          case: 'updateVm',
          value: { ...change, context: { ...context, ifVersion }, machineId },
        }),
        status: 200,
        show(operation) {
          const vm = vmOf(operation);
          reply.header('ETag', vmTag(vm));
          return showVm(vm);
        },
      });
    },
  );
}
