import { randomUUID } from 'node:crypto';
import { type AnswerCommandDeps, answerCommand } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { asWritten } from '../as-written.ts';
import { commandHeaders, commandResponses } from '../command-docs.ts';
import { forwardFieldOf } from '../forwards/forward-field.ts';
import { showProvisionedVm } from '../operations/show-operation.ts';
import { planQuery } from '../plans/planning.ts';
import { toProvisionVm } from './to-provision-vm.ts';
import { provisionVmBody } from './vm-schemas.ts';

const path = '/v1/vms/provision';
const alias = '/v1/provision';

/** Gives a VM its address and forwards. */
export function provisionVmRoutes(app: App, deps: AnswerCommandDeps): void {
  for (const url of [path, alias]) {
    const schema = {
      operationId: url === path ? 'provisionVm' : 'provisionVmAlias',
      summary: 'Provision a VM',
      description:
        'Reserves an address, ports and rule numbers and puts the static mapping and the forwards on the router: all of it or nothing.',
      tags: ['VMs'],
      deprecated: url === alias,
      headers: commandHeaders,
      querystring: planQuery,
      body: provisionVmBody,
      response: commandResponses(201, 'ProvisionedVm', 507) as unknown,
    };
    app.post(
      url,
      { schema, config: { permission: 'vms:write', plannable: true, canonicalPath: path } },
      (request, reply) => {
        const command = toProvisionVm(request.body);
        const vmId = randomUUID(); // fixed here, so that a repeat on the bus means the same VM
        const answer = () =>
          answerCommand(deps, request, reply, {
            command: (context) => ({ case: 'provision', value: { ...command, context, vmId } }),
            status: 201,
            show: showProvisionedVm,
          });
        return asWritten(answer, (field) => forwardFieldOf(field, request.body));
      },
    );
  }
}
