import { homeGroupOf, permitsFor } from '@berth/contracts';
import { foreignGroup } from '../domain/errors.ts';
import type { Caller } from './commands.ts';

/** The group that owns what is made: the one that is named, else the caller's own. Throws when the caller may not write VMs there. */
export function owningGroup(caller: Caller, named: string): string {
  const group = named || homeGroupOf(caller);
  assertMayOwn(caller, group);
  return group;
}

/** Throws unless VMs may come to be of this group for the caller. */
export function assertMayOwn(caller: Caller, group: string): void {
  if (!permitsFor(caller, 'vms:write', group)) throw foreignGroup(group);
}
