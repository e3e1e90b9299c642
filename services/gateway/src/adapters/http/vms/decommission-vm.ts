import { type AnswerCommandDeps, answerCommand, ifVersionOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandResponses, conditionalHeaders } from '../command-docs.ts';
import { showDecommissionedVm } from '../operations/show-operation.ts';
import { planQuery } from '../plans/planning.ts';
import { machineIdOf } from './machine-id.ts';
import { machineParams } from './vm-schemas.ts';

/** Removes a VM's mapping and forwards. */
export function decommissionVmRoutes(app: App, deps: AnswerCommandDeps): void {
  const schema = {
    operationId: 'decommissionVm',
    summary: 'Decommission a VM',
    description:
      'Removes the mapping and the forwards from the router. Name and MAC address are free from then on; the address, ports and rule numbers rest for a while.',
    tags: ['VMs'],
    headers: conditionalHeaders,
    querystring: planQuery,
    params: machineParams,
    response: commandResponses(200, 'DecommissionedVm', 404, 412) as unknown,
  };
  app.delete(
    '/v1/vms/:machine_id/decommission',
    { schema, config: { permission: 'vms:write', plannable: true } },
    (request, reply) => {
      const machineId = machineIdOf(request.params);
      const ifVersion = ifVersionOf(request);
      return answerCommand(deps, request, reply, {
        command: (context) => ({ case: 'decommission', value: { context: { ...context, ifVersion }, machineId } }),
        status: 200,
        show: showDecommissionedVm,
      });
    },
  );
}
