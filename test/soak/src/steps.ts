import { PortAction, Protocol, VmService } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { request } from '@berth/messaging';
import type { FaultKind } from '@berth/vyos-simulator';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { Dice } from './dice.ts';
import { personEdits } from './person-steps.ts';
import type { Soak } from './soak.ts';
import { granted, templateForward, templatePorts, type WantedForward, type WantedVm, type Wish } from './wanted-vms.ts';

/** How often each step is taken, relative to the others. */
export const weights = {
  provision: 22,
  ports: 20,
  add_forward: 10,
  drop_forward: 5,
  edit_forward: 8,
  update: 5,
  decommission: 14,
  refuse: 5,
  lose_answer: 4,
  break_answer: 4,
  person: 5,
  reboot: 0.6,
  lease_loss: 0.4,
  kill: 0.4,
  time_passes: 8,
} as const;
export type StepName = keyof typeof weights;

/** More would make each commit slow, and find nothing more. */
const mostVms = 40;

export async function takeStep(soak: Soak, name: StepName): Promise<void> {
  const { dice, system } = soak;
  const text = `the router says no ${dice.number(1_000)}`;
  switch (name) {
    case 'refuse': {
      const [vmId, vm] = dice.oneOf([...soak.expected]) ?? [];
      if (vmId === undefined || vm === undefined) return;
      const kind = dice.oneOf(['refuse_commit', 'refuse_set'] as const) ?? 'refuse_commit';
      const wish = wishOf(dice, dice.oneOf(['update', 'decommission', 'update'] as const) ?? 'update', vm);
      const match = wish?.kind === 'update' ? wish.name : vm.name;
      system.router.addFault({ kind, match, text: naming(dice, text, match), times: 1 + dice.number(2) });
      if (wish !== undefined) await send(soak, vmId, wish);
      return;
    }
    case 'lose_answer': {
      const kind = dice.oneOf<FaultKind>(['gateway_timeout', 'drop_connection']) ?? 'gateway_timeout';
      const late = dice.chance(0.3) ? { afterMs: dice.number(60) } : {};
      return system.router.addFault({ kind, times: 1, ...late });
    }
    case 'break_answer': {
      const kind = dice.oneOf<FaultKind>(['bad_gateway', 'locked', 'success_false']) ?? 'locked';
      return system.router.addFault({ kind, endpoint: 'any', times: 1 + dice.number(3), text });
    }
    case 'person':
      return personEdits(soak);
    case 'reboot':
      return soak.rebootRouter();
    case 'lease_loss':
      return soak.loseLease();
    case 'kill':
      return soak.killDriver();
    case 'time_passes':
      return soak.letTimePass(dice.number(40));
    default:
      return ask(soak, name);
  }
}

const naming = (dice: Dice, text: string, mapping: string): string =>
  dice.chance(0.5) ? text : `${text} in static mapping "${mapping}"`;

type RequestName = Exclude<
  StepName,
  'refuse' | 'lose_answer' | 'break_answer' | 'person' | 'reboot' | 'lease_loss' | 'kill' | 'time_passes'
>;

/** Asks the allocator for something, and notes what shall be there once that has succeeded. */
async function ask(soak: Soak, name: RequestName): Promise<void> {
  const { dice } = soak;
  const living = [...soak.expected];
  const [vmId, vm] = dice.oneOf(living) ?? [];
  if (name === 'provision' || vmId === undefined || vm === undefined) {
    if (living.length < mostVms) await send(soak, dice.uuid(), { kind: 'provision', vm: newVm(dice) });
    return;
  }
  const wish = wishOf(dice, name, vm);
  if (wish !== undefined) await send(soak, vmId, wish);
}

function newVm(dice: Dice): WantedVm {
  const names = Object.keys(templatePorts) as (keyof typeof templatePorts)[];
  const forwards = dice.chance(0.6)
    ? Object.fromEntries(names.map((name) => [name, templateForward(name)]))
    : Object.fromEntries(Array.from({ length: dice.number(3) }, (_, at) => [`free-${at}`, newForward(dice)]));
  return { name: `vm-${dice.number(100_000)}`, macAddress: newMac(dice), forwards };
}

const newMac = (dice: Dice): string =>
  ['52:54', ...Array.from({ length: 4 }, () => dice.number(256).toString(16).padStart(2, '0'))].join(':');

const newForward = (dice: Dice): WantedForward => ({
  protocol: dice.oneOf(['tcp', 'udp', 'tcp_udp'] as const) ?? 'tcp',
  internalPort: 1 + dice.number(60_000),
  sources: dice.chance(0.7) ? [] : ['198.51.100.0/24', '203.0.113.9'].slice(0, 1 + dice.number(2)),
  description: dice.chance(0.5) ? '' : `text ${dice.number(1_000)}`,
  enabled: true,
});

function wishOf(dice: Dice, name: Exclude<RequestName, 'provision'>, vm: WantedVm): Wish | undefined {
  const forward = dice.oneOf(Object.keys(vm.forwards));
  switch (name) {
    case 'decommission':
      return { kind: 'decommission' };
    case 'update':
      return { kind: 'update', name: `vm-${dice.number(100_000)}`, macAddress: newMac(dice) };
    case 'add_forward':
      return { kind: 'add', name: `free-${dice.number(9)}`, forward: newForward(dice) };
    case 'drop_forward':
      return forward === undefined ? undefined : { kind: 'drop', name: forward };
    case 'edit_forward': {
      const edit = { enabled: dice.chance(0.5), description: `text ${dice.number(1_000)}` };
      return forward === undefined ? undefined : { kind: 'edit', name: forward, edit };
    }
    case 'ports': {
      const actions = [PortAction.CREATE, PortAction.DELETE, PortAction.PAUSE, PortAction.ENABLE, PortAction.DISABLE];
      const all = Object.keys(templatePorts) as (keyof typeof templatePorts)[];
      const names = all.filter(() => dice.chance(0.6));
      return { kind: 'ports', action: dice.oneOf(actions) ?? PortAction.CREATE, names: names.length > 0 ? names : all };
    }
  }
}

const protocols = { tcp: Protocol.TCP, udp: Protocol.UDP, tcp_udp: Protocol.TCP_UDP } as const;

const specOf = (name: string, { protocol, internalPort, sources, description }: WantedForward) => ({
  name,
  protocol: protocols[protocol],
  internalPort,
  source: sources[0] ?? '',
  moreSources: sources.slice(1),
  description,
});

const asker = {
  ...{ id: 'soak', kind: 'api_key', name: 'soak', group: '' },
  permissions: ['vms:read', 'vms:write', 'operations:read'],
};
const timeoutMs = 30_000;

async function send(soak: Soak, vmId: string, wish: Wish): Promise<void> {
  const operationId = soak.dice.uuid();
  const deadline = timestampFromMs(Date.now() + timeoutMs);
  const context = { operationId, deadline, principal: asker, requestId: operationId, mayWait: true };
  try {
    await command(soak, { context, machineId: vmId }, wish);
  } catch (error) {
    // Refused at once: by a rule, or since something else has come first. A bug is what nobody foresaw.
    if (isKind(error, 'bug')) throw error;
    soak.refusedAtOnce += 1;
    return;
  }
  soak.wishes.push({ vmId, operationId, wish });
  const after = granted(soak.expected.get(vmId), wish);
  if (after === undefined) soak.expected.delete(vmId);
  else soak.expected.set(vmId, after);
}

function command(
  { system: { bus } }: Soak,
  about: { readonly context: object; readonly machineId: string },
  wish: Wish,
): Promise<unknown> {
  const { method } = VmService;
  const options = { timeoutMs };
  switch (wish.kind) {
    case 'provision': {
      const { name: vmName, macAddress, forwards } = wish.vm;
      const specs = Object.entries(forwards).map(([name, forward]) => specOf(name, forward));
      const init = { context: about.context, vmId: about.machineId, vmName, macAddress, forwards: specs };
      return request(bus, method.provisionVm, { ...init, noForwards: specs.length === 0 }, options);
    }
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
