import { PortAction } from '@berth/contracts';
import type { Dice } from './dice.ts';
import { templateForward, templatePorts, type WantedForward, type WantedVm, type Wish } from './wanted-vms.ts';

/** What callers ask for. */
export type RequestName =
  | 'provision'
  | 'ports'
  | 'add_forward'
  | 'drop_forward'
  | 'edit_forward'
  | 'update'
  | 'decommission';

export function newVm(dice: Dice): WantedVm {
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

export function wishOf(dice: Dice, name: Exclude<RequestName, 'provision'>, vm: WantedVm): Wish | undefined {
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
