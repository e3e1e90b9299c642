import { DomainError } from '@berth/errors';
import { absentTemplateForward, type Forward } from './forward.ts';
import type { NumberRange } from './number-range.ts';

export type PortAction = 'create' | 'delete' | 'pause' | 'enable' | 'disable';

/** What a change of forwards comes to. */
export interface ForwardsChange {
  /** All of the VM's forwards afterwards; the new ones still without an external port. */
  readonly forwards: readonly Forward[];
  /** The new ones, which need an external port. */
  readonly created: readonly Forward[];
  /** False: everything is as asked already, and the router need not be asked. */
  readonly changed: boolean;
}

const unknownPort = (name: string) =>
  new DomainError('invalid', 'UNKNOWN_PORT', `The VM knows no port "${name}".`, {
    fields: [{ field: 'ports', message: `no port is named "${name}"` }],
  });

const portNotFound = (name: string) =>
  new DomainError('not_found', 'PORT_NOT_FOUND', `The port "${name}" does not exist; create it first.`);

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

/**
 * What `action` makes of a VM's forwards. Create makes missing ones and enables disabled ones; pause leaves missing ones alone; enable
 * and disable throw `not_found` for a missing one; a name that is neither of the template nor the VM's own is `invalid`.
 */
export function changeForwards(
  forwards: readonly Forward[],
  rules: NumberRange,
  action: PortAction,
  names: readonly string[],
): ForwardsChange {
  const after = new Map(forwards.map((forward) => [forward.name, forward]));
  const created: Forward[] = [];
  let changed = false;
  for (const name of new Set(names)) {
    const before = after.get(name) ?? absentTemplateForward(name, rules);
    if (before === undefined) throw unknownPort(name);
    const state = stateAfter(action, before);
    if (state === before.state) continue;
    changed = true;
    const forward = { ...before, state, externalPort: state === 'absent' ? 0 : before.externalPort };
    after.set(name, forward);
    if (before.state === 'absent') created.push(forward);
  }
  return { forwards: [...after.values()], created, changed };
}
