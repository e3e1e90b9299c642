import { DomainError } from '@berth/errors';
import { formatIpv4 } from '../ipv4.ts';
import type { FoundValue } from './adoption.ts';

/** In words: "the external port tcp 8080". */
export function describeValue({ kind, held: { first, last } }: FoundValue): string {
  if (kind === 'address') return `the address ${formatIpv4(first)}`;
  if (kind === 'rule') return `the rule number ${first}`;
  return first === last ? `the external port ${kind} ${first}` : `the external ports ${kind} ${first}-${last}`;
}

/** What stands on the router is held by somebody in the books already. */
export const valueHeld = (value: FoundValue, by: string): DomainError =>
  new DomainError('conflict', 'ADOPTION_CONFLICT', `It cannot be adopted: ${describeValue(value)} ${by}.`);

export const notAdoptable = (what: string, reason: string): DomainError =>
  new DomainError('conflict', 'NOT_ADOPTABLE', `The ${what} cannot be adopted: it ${reason}.`);

export const nothingToAdopt = (router: string): DomainError =>
  new DomainError('conflict', 'NOTHING_TO_ADOPT', `Nothing that others made on ${router} can be adopted.`);

export const routerUnknown = (name: string): DomainError =>
  new DomainError('not_found', 'ROUTER_UNKNOWN', `There is no router "${name}".`);
