import { authorOf, VmSchema, VmService } from '@berth/contracts';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Accepted, Command } from '../../../app/commands.ts';
import { setForwardTemplate, type TemplateStore } from '../../../app/forwards/forward-template.ts';
import type { CommandQueue } from '../../../app/operations/command-queue.ts';
import { listVms, type VmList } from '../../../app/vms/list-vms.ts';
import { getVm, type VmReader } from '../../../app/vms/read-vms.ts';
import type { Vm } from '../../../domain/vms/vm.ts';
import { fitting } from '../../fitting.ts';
import {
  permittedCaller,
  toChangeForwardsCommand,
  toChangePortsCommand,
  toDecommissionCommand,
  toProvisionCommand,
  toTemplateForward,
  toUpdateVmCommand,
} from '../to-commands.ts';
import { toOperationMessage, toTemplateMessage, toVmMessage } from '../to-messages.ts';
import { toListRequest } from './to-list-request.ts';

export interface VmServiceDeps {
  readonly commands: CommandQueue;
  readonly reader: VmReader;
  readonly list: VmList;
  readonly templates: TemplateStore;
  readonly defaultRouter: string;
  /** Hears of each command's end of acceptance. */
  readonly onAnswer: (kind: Command['kind'], answer: Accepted | unknown) => void;
}

const endOfTime = new Date(8.64e15);

const traceparent = (): string => currentTrace()['traceparent'] ?? '';

const fittingVms = (vms: readonly Vm[]): number => fitting(VmSchema, vms.map(toVmMessage));

/** Answers VmService over NATS. Gives back its stop. */
export function serveVms(bus: Bus, deps: VmServiceDeps): () => Promise<void> {
  const { reader } = deps;
  const submit = async (command: Command) => {
    try {
      const accepted = await deps.commands.submit(command);
      deps.onAnswer(command.kind, accepted);
      return { operation: toOperationMessage(accepted.operation), replayed: accepted.replayed };
    } catch (error) {
      deps.onAnswer(command.kind, error);
      throw error;
    }
  };
  const stops = [
    serve(bus, VmService.method.provisionVm, async (message) =>
      submit(toProvisionCommand(message, traceparent(), deps.defaultRouter)),
    ),
    serve(bus, VmService.method.changePorts, async (message) => submit(toChangePortsCommand(message, traceparent()))),
    serve(bus, VmService.method.changeForwards, async (message) =>
      submit(toChangeForwardsCommand(message, traceparent())),
    ),
    serve(bus, VmService.method.updateVm, async (message) => submit(toUpdateVmCommand(message, traceparent()))),
    serve(bus, VmService.method.decommissionVm, async (message) =>
      submit(toDecommissionCommand(message, traceparent())),
    ),
    serve(bus, VmService.method.getVm, async ({ principal, machineId }) => {
      const caller = permittedCaller(principal, 'vms:read');
      return { vm: toVmMessage(await getVm({ reader }, caller, machineId)) };
    }),
    serve(bus, VmService.method.listVms, async (message) => {
      const caller = permittedCaller(message.principal, 'vms:read');
      const { vms, nextToken } = await listVms({ ...deps, fitting: fittingVms }, caller, toListRequest(message));
      return { vms: vms.map(toVmMessage), nextPageToken: nextToken };
    }),
    serve(bus, VmService.method.getForwardTemplate, async ({ principal }) => {
      permittedCaller(principal, 'vms:read');
      return toTemplateMessage(await deps.templates.read());
    }),
    serve(bus, VmService.method.setForwardTemplate, async ({ context, forwards, validateOnly }) => {
      const caller = permittedCaller(context?.principal, 'pools:write');
      const template = await setForwardTemplate(deps, {
        caller,
        author: authorOf(context?.principal, context),
        forwards: forwards.map(toTemplateForward),
        ifVersion: Number(context?.ifVersion ?? 0n),
        isRehearsal: validateOnly,
        key: context?.idempotency,
        deadline: context?.deadline ? timestampDate(context.deadline) : endOfTime,
      });
      return toTemplateMessage(template);
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}
