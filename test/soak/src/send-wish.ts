import { Protocol, VmService } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { request } from '@berth/messaging';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Soak } from './soak.ts';
import type { WantedForward, WantedVm, Wish } from './wanted-vms.ts';

const protocols = { tcp: Protocol.TCP, udp: Protocol.UDP, tcp_udp: Protocol.TCP_UDP } as const;

const specOf = (name: string, { protocol, internalPort, sources, description }: WantedForward) => ({
  name,
  protocol: protocols[protocol],
  internalPort,
  source: sources[0] ?? '',
  moreSources: sources.slice(1),
  description,
});

export const asker = {
  ...{ id: 'soak', kind: 'api_key', name: 'soak', group: '' },
  permissions: ['vms:read', 'vms:write', 'operations:read'],
};
export const timeoutMs = 30_000;

/** A command's context; it may wait for the router. */
export const contextOf = (operationId: string) => ({
  ...{ operationId, requestId: operationId, principal: asker, mayWait: true },
  deadline: timestampFromMs(Date.now() + timeoutMs),
});

export async function send(soak: Soak, vmId: string, wish: Wish): Promise<void> {
  const operationId = soak.dice.uuid();
  const context = contextOf(operationId);
  try {
    await command(soak, { context, machineId: vmId }, wish);
  } catch (error) {
    // Refused at once: by a rule, or since something else has come first. A bug is what nobody foresaw.
    if (isKind(error, 'bug')) throw error;
    soak.refusedAtOnce += 1;
    return;
  }
  soak.note({ vmId, operationId, wish });
}

/** The request for a VM that has exactly these forwards. */
export function provisionOf(vmId: string, { name: vmName, macAddress, forwards }: WantedVm) {
  const specs = Object.entries(forwards).map(([name, forward]) => specOf(name, forward));
  return { vmId, vmName, macAddress, forwards: specs, noForwards: specs.length === 0 };
}

function command(
  { system: { bus } }: Soak,
  about: { readonly context: object; readonly machineId: string },
  wish: Wish,
): Promise<unknown> {
  const { method } = VmService;
  const options = { timeoutMs };
  switch (wish.kind) {
    case 'provision':
      return request(
        bus,
        method.provisionVm,
        { ...provisionOf(about.machineId, wish.vm), context: about.context },
        options,
      );
    case 'decommission':
      return request(bus, method.decommissionVm, about, options);
    case 'ports':
      return request(bus, method.changePorts, { ...about, action: wish.action, portNames: [...wish.names] }, options);
    case 'add':
      return request(bus, method.changeForwards, { ...about, create: [specOf(wish.name, wish.forward)] }, options);
    case 'drop':
      return request(bus, method.changeForwards, { ...about, delete: [wish.name] }, options);
    case 'edit': {
      const { enabled, description } = wish.edit;
      const update = [
        {
          name: wish.name,
          ...(enabled === undefined ? {} : { enabled }),
          ...(description === undefined ? {} : { description }),
        },
      ];
      return request(bus, method.changeForwards, { ...about, update }, options);
    }
    case 'update':
      return request(bus, method.updateVm, { ...about, vmName: wish.name, macAddress: wish.macAddress }, options);
  }
}
