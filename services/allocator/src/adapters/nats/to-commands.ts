import {
  type ChangePortsRequest,
  type CommandContext,
  type DecommissionVmRequest,
  type ForwardSpec,
  PortAction,
  type Principal,
  Protocol,
  type ProvisionVmRequest,
  requirePermission,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Caller, ChangePortsCommand, DecommissionCommand, ProvisionCommand } from '../../app/commands.ts';
import type { PortAction as Action } from '../../domain/change-forwards.ts';
import { foreignGroup } from '../../domain/errors.ts';
import { type ForwardWish, plainWish, templateNames } from '../../domain/forward.ts';
import { generateMac } from '../../domain/mac-address.ts';
import { isUuid } from '../../domain/text-rules.ts';
import { invalid, validateProvision } from '../../domain/validate-provision.ts';

const actions: Record<Exclude<PortAction, PortAction.UNSPECIFIED>, Action> = {
  [PortAction.CREATE]: 'create',
  [PortAction.DELETE]: 'delete',
  [PortAction.PAUSE]: 'pause',
  [PortAction.ENABLE]: 'enable',
  [PortAction.DISABLE]: 'disable',
};

const protocols: Record<Protocol, ForwardWish['protocol']> = {
  [Protocol.UNSPECIFIED]: undefined,
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.TCP_UDP]: 'tcp_udp',
};

/** Who asks, once it is sure that it may. */
export function permittedCaller(
  principal: Principal | undefined,
  verb: 'vms:read' | 'vms:write' | 'operations:read',
): Caller {
  requirePermission(principal, verb);
  const { id = '', name = '', permissions = [], group = '' } = principal ?? {};
  return { id, name, permissions, group };
}

/** What every command carries. Throws when it does not say who asks, who asks may not, or it has no id and deadline. */
export function readContext(context: CommandContext | undefined, traceparent: string) {
  const caller = permittedCaller(context?.principal, 'vms:write');
  if (!context || !isUuid(context.operationId) || !context.deadline) {
    throw new DomainError('invalid', 'MALFORMED_COMMAND', 'The command has no operation id or no deadline.');
  }
  return {
    operationId: context.operationId.toLowerCase(),
    deadline: timestampDate(context.deadline),
    caller,
    requestId: context.requestId,
    traceparent,
    key: context.idempotency,
    mayWait: context.mayWait,
  };
}

const toWish = (spec: ForwardSpec): ForwardWish => ({
  name: spec.name,
  protocol: protocols[spec.protocol],
  internalPort: spec.internalPort,
  externalPort: spec.externalPort,
  source: spec.source,
  description: spec.description,
  disabled: spec.disabled,
});

function wishesOf({ forwards, noForwards }: ProvisionVmRequest): ForwardWish[] {
  if (forwards.length > 0) return forwards.map(toWish);
  return noForwards ? [] : templateNames.map(plainWish);
}

/** A provision whose form is right. The MAC address is chosen here, so that a repeat of the transaction means the same one. */
export function toProvisionCommand(
  message: ProvisionVmRequest,
  traceparent: string,
  defaultRouter: string,
): ProvisionCommand {
  const context = readContext(message.context, traceparent);
  const { portRange } = message;
  const wish = {
    vmId: message.vmId,
    vmName: message.vmName,
    macAddress: message.macAddress,
    hostname: message.hostname,
    metadata: message.metadata,
    addressRange: message.addressRange,
    portRange: portRange && { first: portRange.start, last: portRange.end },
    forwards: wishesOf(message),
  };
  const checked = validateProvision(wish);
  const { group } = context.caller;
  if (group !== '' && message.ownerGroup !== '' && message.ownerGroup !== group) throw foreignGroup();
  return {
    ...context,
    kind: 'provision-vm',
    vmId: message.vmId.toLowerCase(),
    ownerGroup: message.ownerGroup || group,
    routerNamed: message.router !== '',
    request: {
      vmName: wish.vmName,
      macAddress: checked.macAddress || generateMac(),
      hostname: wish.hostname || wish.vmName,
      router: message.router || defaultRouter,
      pools: { ip: message.pool, port: message.portPool, rule: message.rulePool },
      metadata: message.metadata ?? null,
      addressRange: checked.addressRange,
      portRange: wish.portRange,
      forwards: wish.forwards,
    },
  };
}

export function toChangePortsCommand(message: ChangePortsRequest, traceparent: string): ChangePortsCommand {
  const context = readContext(message.context, traceparent);
  if (message.action === PortAction.UNSPECIFIED || !(message.action in actions)) {
    throw invalid([{ field: 'action', message: 'must be create, delete, pause, enable or disable' }]);
  }
  const names = message.portNames.length > 0 ? message.portNames : templateNames;
  return {
    ...context,
    kind: 'change-ports',
    machineId: message.machineId,
    action: actions[message.action],
    names: [...new Set(names)],
  };
}

export const toDecommissionCommand = (message: DecommissionVmRequest, traceparent: string): DecommissionCommand => ({
  ...readContext(message.context, traceparent),
  kind: 'decommission-vm',
  machineId: message.machineId,
});
