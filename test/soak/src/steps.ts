import type { FaultKind } from '@berth/vyos-simulator';
import type { Dice } from './dice.ts';
import { personEdits, personMeddles } from './person-steps.ts';
import { cancel, plan } from './plan-steps.ts';
import { newVm, type RequestName, wishOf } from './random-wishes.ts';
import { send } from './send-wish.ts';
import type { Soak } from './soak.ts';

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
  meddle: 4,
  cancel: 4,
  plan: 4,
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
      system.router.addFault({ kind, match, text: naming(dice, text, match), times: 1 + dice.number(6) });
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
    case 'meddle':
      return personMeddles(soak);
    case 'cancel':
      return cancel(soak);
    case 'plan':
      return plan(soak);
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
