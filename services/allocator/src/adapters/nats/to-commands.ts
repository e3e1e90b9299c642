import {
  type ChangeForwardsRequest,
  type ChangePortsRequest,
  type CommandContext,
  type DecommissionVmRequest,
  type ForwardEdit as ForwardEditMessage,
  type ForwardSpec,
  type PermissionVerb,
  PortAction,
  type Principal,
  Protocol,
  type ProvisionVmRequest,
  requirePermission,
  type TemplateForward as TemplateForwardMessage,
  type UpdateVmRequest,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type {
  Caller,
  ChangeForwardsCommand,
  ChangePortsCommand,
  DecommissionCommand,
  ProvisionCommand,
  UpdateVmCommand,
} from '../../app/commands.ts';
import { assertMayOwn, owningGroup } from '../../app/owning-group.ts';
import { invalid } from '../../domain/check-fields.ts';
import type { PortAction as Action } from '../../domain/forwards/change-forwards.ts';
import type { ForwardEdit } from '../../domain/forwards/edit-forwards.ts';
import type { ForwardProtocol } from '../../domain/forwards/forward.ts';
import type { TemplateForward } from '../../domain/forwards/forward-template.ts';
import type { ForwardWish } from '../../domain/forwards/forward-wish.ts';
import { generateMac } from '../../domain/mac-address.ts';
import { isUuid } from '../../domain/text-rules.ts';
import { validateEdit, validateUpdate } from '../../domain/vms/validate-changes.ts';
import { validateProvision } from '../../domain/vms/validate-provision.ts';

const actions: Record<Exclude<PortAction, PortAction.UNSPECIFIED>, Action> = {
  [PortAction.CREATE]: 'create',
  [PortAction.DELETE]: 'delete',
  [PortAction.PAUSE]: 'pause',
  [PortAction.ENABLE]: 'enable',
  [PortAction.DISABLE]: 'disable',
};

const protocols: Record<Protocol, ForwardProtocol | undefined> = {
  [Protocol.UNSPECIFIED]: undefined,
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.TCP_UDP]: 'tcp_udp',
};

/** Who asks, once it is sure that it may. */
export function permittedCaller(
  principal: Principal | undefined,
  verb: 'vms:read' | 'vms:write' | 'operations:read' | 'pools:write',
): Caller {
  requirePermission(principal, verb);
  return callerOf(principal);
}

/** Who asks, as it came; empty: nobody who may do anything. */
export function callerOf(principal: Principal | undefined): Caller {
  const { id = '', name = '', permissions = [], group = '', grants = [], userId = '' } = principal ?? {};
  return { id, name, permissions, group, grants, userId };
}

/** The caller as other services take it: whole, so that they enforce what holds here. */
export const toPrincipal = ({ id, name, userId, ...rights }: Caller) => ({
  ...{ id, kind: userId === id ? 'user' : 'api_key', name, userId, group: rights.group },
  permissions: [...rights.permissions],
  grants: rights.grants.map(({ group, permissions }) => ({ group, permissions: [...permissions] })),
});

/** Asks in the allocator's own name, for a caller of which it has judged already what it may do. */
export const inOwnName = ({ id, name, userId }: Caller, verb: PermissionVerb) => ({
  ...{ id, kind: 'service', name, userId, permissions: [verb] },
});

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
    ifVersion: Number(context.ifVersion),
  };
}

const sourcesOf = (first: string, more: readonly string[]): string[] => [...(first === '' ? [] : [first]), ...more];

const toWish = (spec: ForwardSpec): ForwardWish => ({
  name: spec.name,
  protocol: protocols[spec.protocol],
  internalPort: spec.internalPort,
  internalPortEnd: spec.internalPortEnd,
  externalPort: spec.externalPort,
  externalPortEnd: spec.externalPortEnd,
  externalPortCount: spec.externalPortCount,
  sources: sourcesOf(spec.source, spec.moreSources),
  description: spec.description,
  disabled: spec.disabled,
});

const toEdit = (edit: ForwardEditMessage): ForwardEdit => ({
  name: edit.name,
  newName: edit.newName,
  protocol: edit.protocol === undefined ? undefined : (protocols[edit.protocol] ?? 'tcp'),
  internalPort: edit.internalPort,
  internalPortEnd: edit.internalPortEnd,
  externalPort: edit.externalPort,
  externalPortEnd: edit.externalPortEnd,
  sources: edit.sources?.sources,
  description: edit.description,
  enabled: edit.enabled,
});

/** Undefined: the template's. */
function wishesOf({ forwards, noForwards }: ProvisionVmRequest): ForwardWish[] | undefined {
  return forwards.length === 0 && !noForwards ? undefined : forwards.map(toWish);
}

export const toTemplateForward = (forward: TemplateForwardMessage): TemplateForward => ({
  name: forward.name,
  protocol: protocols[forward.protocol] ?? 'tcp',
  internalPort: forward.internalPort,
  sources: forward.sources,
  description: forward.description,
});

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
  const ownerGroup = owningGroup(context.caller, message.ownerGroup);
  return {
    ...context,
    kind: 'provision-vm',
    vmId: message.vmId.toLowerCase(),
    ownerGroup,
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
  return {
    ...context,
    kind: 'change-ports',
    machineId: message.machineId,
    action: actions[message.action],
    names: [...new Set(message.portNames)],
  };
}

export function toChangeForwardsCommand(message: ChangeForwardsRequest, traceparent: string): ChangeForwardsCommand {
  const context = readContext(message.context, traceparent);
  const edit = { create: message.create.map(toWish), update: message.update.map(toEdit), delete: message.delete };
  validateEdit(edit);
  return { ...context, kind: 'change-forwards', machineId: message.machineId, edit };
}

export function toUpdateVmCommand(message: UpdateVmRequest, traceparent: string): UpdateVmCommand {
  const context = readContext(message.context, traceparent);
  const { ownerGroup } = message;
  const update = validateUpdate({
    name: message.vmName,
    macAddress: message.macAddress,
    hostname: message.hostname,
    metadata: message.clearMetadata ? null : message.metadata,
    ownerGroup,
  });
  if (ownerGroup !== undefined) assertMayOwn(context.caller, ownerGroup);
  return { ...context, kind: 'update-vm', machineId: message.machineId, update };
}

export const toDecommissionCommand = (message: DecommissionVmRequest, traceparent: string): DecommissionCommand => ({
  ...readContext(message.context, traceparent),
  kind: 'decommission-vm',
  machineId: message.machineId,
});
