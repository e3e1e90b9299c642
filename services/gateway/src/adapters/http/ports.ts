import { PortAction } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { Type } from 'typebox';
import { canBeForwardName } from '../../domain/forwards.ts';
import type { VmCommands } from '../nats/vm-service.ts';
import { type AnswerCommandDeps, answerCommand } from './answer-command.ts';
import type { App } from './app-types.ts';
import { commandHeaders, commandResponses } from './command-docs.ts';
import { type ChangedPort, portActionBody, portTemplateBody } from './documents/ports.ts';
import { machineParams } from './documents/vm.ts';
import { machineIdOf } from './machine-id.ts';
import { showChangedPorts, vmOf } from './show-operation.ts';
import { forwardOf, showForward } from './show-ports.ts';

const actions = {
  create: PortAction.CREATE,
  delete: PortAction.DELETE,
  pause: PortAction.PAUSE,
  enable: PortAction.ENABLE,
  disable: PortAction.DISABLE,
} as const;

type PortsDeps = AnswerCommandDeps & { readonly vms: VmCommands };

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
    headers: commandHeaders,
    params: machineParams,
    body: portTemplateBody,
    response: commandResponses(200, 'ChangedPorts', 404, 507) as unknown,
  };
  app.post('/v1/vms/:machine_id/ports/template', { schema, config: { permission: 'vms:write' } }, (request, reply) => {
    const machineId = machineIdOf(request.params);
    const portNames = [...new Set(request.body.ports)];
    const action = actions[request.body.action];
    return answerCommand(deps, request, reply, {
      send: (context, timeoutMs) => deps.vms.changePorts({ context, machineId, action, portNames }, timeoutMs),
      status: 200,
      show: showChangedPorts,
    });
  });
}

function changeOne(app: App, deps: PortsDeps): void {
  const schema = {
    operationId: 'changePort',
    summary: 'Enable or disable a forward',
    tags: ['Ports'],
    headers: commandHeaders,
    params: Type.Object({
      ...machineParams.properties,
      port_name: Type.String({ description: 'The forward’s name, for example `ssh`.' }),
    }),
    body: portActionBody,
    response: commandResponses(200, 'ChangedPort', 404) as unknown,
  };
  app.post(
    '/v1/vms/:machine_id/ports/:port_name',
    { schema, config: { permission: 'vms:write' } },
    (request, reply) => {
      const machineId = machineIdOf(request.params);
      const port = request.params.port_name;
      if (!canBeForwardName(port))
        throw new DomainError('not_found', 'PORT_NOT_FOUND', 'There is no forward of this name.');
      const { action } = request.body;
      return answerCommand(deps, request, reply, {
        send: (context, timeoutMs) =>
          deps.vms.changePorts({ context, machineId, action: actions[action], portNames: [port] }, timeoutMs),
        status: 200,
        show(operation): ChangedPort {
          const vm = vmOf(operation);
          const { status: port_status, ...numbers } = showForward(forwardOf(vm, port));
          return { status: 'success', machine_id: vm.name, port, action, port_status, ...numbers };
        },
      });
    },
  );
}
