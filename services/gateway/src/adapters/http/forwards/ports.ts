import { PortAction } from '@berth/contracts';
import { Type } from 'typebox';
import { type AnswerCommandDeps, answerCommand, ifVersionOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { commandResponses, conditionalHeaders } from '../command-docs.ts';
import { vmOf } from '../operations/operation-vm.ts';
import { showChangedPorts } from '../operations/show-operation.ts';
import { planQuery } from '../plans/planning.ts';
import { machineIdOf } from '../vms/machine-id.ts';
import { forwardNameParam, machineParams } from '../vms/vm-schemas.ts';
import { forwardNameOf } from './forward-name.ts';
import { type ChangedPort, portActionBody, portTemplateBody } from './port-schemas.ts';
import { forwardOf, showPortState } from './show-ports.ts';

const actions = {
  create: PortAction.CREATE,
  delete: PortAction.DELETE,
  pause: PortAction.PAUSE,
  enable: PortAction.ENABLE,
  disable: PortAction.DISABLE,
} as const;

type PortsDeps = AnswerCommandDeps;

/** Changes forwards: several at once, all in one router commit, or one by its name. */
export function portRoutes(app: App, deps: PortsDeps): void {
  changeSeveral(app, deps);
  changeOne(app, deps);
}

function changeSeveral(app: App, deps: PortsDeps): void {
  const schema = {
    operationId: 'changePorts',
    summary: 'Create, delete, pause, enable or disable forwards',
    description: 'All in one router commit. A repeat asks nothing of the router.',
    tags: ['Ports'],
    headers: conditionalHeaders,
    querystring: planQuery,
    params: machineParams,
    body: portTemplateBody,
    response: commandResponses(200, 'ChangedPorts', 404, 412, 507) as unknown,
  };
  app.post(
    '/v1/vms/:machine_id/ports/template',
    { schema, config: { permission: 'vms:write', plannable: true } },
    (request, reply) => {
      const machineId = machineIdOf(request.params);
      const portNames = [...new Set(request.body.ports)];
      const action = actions[request.body.action];
      const ifVersion = ifVersionOf(request);
      return answerCommand(deps, request, reply, {
        command: (context) => ({
          case: 'changePorts',
          value: { context: { ...context, ifVersion }, machineId, action, portNames },
        }),
        status: 200,
        show: showChangedPorts,
      });
    },
  );
}

function changeOne(app: App, deps: PortsDeps): void {
  const schema = {
    operationId: 'changePort',
    summary: 'Enable or disable a forward',
    tags: ['Ports'],
    headers: conditionalHeaders,
    querystring: planQuery,
    params: Type.Object({ ...machineParams.properties, port_name: forwardNameParam }),
    body: portActionBody,
    response: commandResponses(200, 'ChangedPort', 404, 412) as unknown,
  };
  app.post(
    '/v1/vms/:machine_id/ports/:port_name',
    { schema, config: { permission: 'vms:write', plannable: true } },
    (request, reply) => {
      const machineId = machineIdOf(request.params);
      const port = forwardNameOf(request.params.port_name);
      const { action } = request.body;
      const change = { machineId, action: actions[action], portNames: [port] };
      const ifVersion = ifVersionOf(request);
      return answerCommand(deps, request, reply, {
        command: (context) => ({
          case: 'changePorts',
          value: { ...change, context: { ...context, ifVersion } },
        }),
        status: 200,
        show(operation): ChangedPort {
          const vm = vmOf(operation);
          const { status: port_status, ...numbers } = showPortState(forwardOf(vm, port));
          return { status: 'success', machine_id: vm.name, port, action, port_status, ...numbers };
        },
      });
    },
  );
}
