import { portNotFound, unknownPort } from '../errors.ts';
import { assertPortsApart, type Forward, inOwnForm, stands, withFittingRules } from './forward.ts';
import { absentForward, type TemplateForward } from './forward-template.ts';
import { namedPorts } from './forward-wish.ts';

export type PortAction = 'create' | 'delete' | 'pause' | 'enable' | 'disable';

/** What a change of forwards comes to. */
export interface ForwardsChange {
  /** All of the VM's forwards afterwards; what is to be chosen for them is still open. */
  readonly forwards: readonly Forward[];
  /** The names of those that did not stand before. */
  readonly created: readonly string[];
  /** False: everything is as asked already, and the router need not be asked. */
  readonly changed: boolean;
}

function stateAfter(action: PortAction, { name, state }: Forward): Forward['state'] {
  switch (action) {
    case 'create':
      return 'enabled';
    case 'delete':
      return 'absent';
    case 'pause':
      return state === 'enabled' ? 'disabled' : state;
    default:
      if (state === 'absent') throw portNotFound(name);
      return action === 'enable' ? 'enabled' : 'disabled';
  }
}

const inState = (forward: Forward, state: Forward['state']): Forward => {
  if (state === 'absent') return { ...inOwnForm(forward), state, external: null };
  if (stands(forward)) return { ...forward, state };
  return withFittingRules({ ...forward, state, external: namedPorts(forward.fixedPort, forward.externalCount) });
};

/**
 * What `action` makes of a VM's forwards. Create makes missing ones and enables disabled ones; pause leaves missing ones alone; delete
 * remembers what it deletes; enable and disable throw `not_found` for a missing one; a name that is neither the VM's own nor of today's
 * template is `invalid`.
 */
export function changeForwards(
  forwards: readonly Forward[],
  template: readonly TemplateForward[],
  action: PortAction,
  names: readonly string[],
): ForwardsChange {
  const after = new Map(forwards.map((forward) => [forward.name, forward]));
  const created: string[] = [];
  let changed = false;
  for (const name of new Set(names)) {
    const entry = template.find((one) => one.name === name);
    const before = after.get(name) ?? (entry && absentForward(entry));
    if (before === undefined) throw unknownPort(name);
    const state = stateAfter(action, before);
    if (state === before.state) continue;
    changed = true;
    after.set(name, inState(before, state));
    if (!stands(before)) created.push(name);
  }
  const all = [...after.values()];
  assertPortsApart(all);
  return { forwards: all, created, changed };
}
