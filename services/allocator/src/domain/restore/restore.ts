import { DomainError } from '@berth/errors';
import { addressOf, type FoundValue, valuesOfForward } from '../adoption/adoption.ts';
import { type Forward, stands } from '../forwards/forward.ts';
import type { NumberRange } from '../number-range.ts';
import { digestOf } from '../plans/plan.ts';
import { type DesiredFragment, desiredFragment } from '../vms/desired-fragment.ts';
import type { AdoptedMapping, PoolRef, RouterSite, Vm } from '../vms/vm.ts';

/** What a VM shall be again, with every value that it had. */
export interface RestoreRequest {
  readonly router: string;
  readonly vmName: string;
  readonly macAddress: string;
  readonly hostname: string;
  readonly site: RouterSite;
  readonly internalIp: string;
  readonly rules: NumberRange;
  readonly portRange: NumberRange | null;
  readonly ipPool: PoolRef | null;
  readonly portPool: PoolRef | null;
  readonly rulePool: PoolRef | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly forwards: readonly Forward[];
  readonly adopted?: AdoptedMapping | undefined;
  /** It is not there any more, and is made anew, under an id that was never used. */
  readonly isNew: boolean;
  /** The id that it had when it was there; null: it is there. */
  readonly formerId: string | null;
}

/** A value or name that somebody else has. */
export interface BlockedBy {
  /** What and by whom, as a sentence's end: "the external tcp port 32000 is held by the VM web". */
  readonly text: string;
}

/** What a VM was is asked for again. */
export function restoreRequestOf(vm: Vm, how: Pick<RestoreRequest, 'isNew' | 'formerId'>): RestoreRequest {
  const { router, name, macAddress, hostname, site, internalIp, rules, portRange, ipPool, portPool, rulePool } = vm;
  const { metadata, forwards, adopted } = vm;
  return {
    ...{ router, vmName: name, macAddress, hostname, site, internalIp, rules, portRange, ipPool, portPool, rulePool },
    ...{ metadata, forwards, ...(adopted && { adopted }), ...how },
  };
}

/** All numbers that such a VM holds: its address, its block of rule numbers, and what its forwards hold beside it. */
export function valuesOfRestored({ internalIp, site, rules, forwards }: RestoreRequest): FoundValue[] {
  const own = forwards.flatMap((forward) => {
    const { ownRules, name: slot } = forward;
    const ports = stands(forward) ? valuesOfForward(forward).filter(({ kind }) => kind !== 'rule') : [];
    return [
      ...(ownRules ? [{ kind: 'rule' as const, externalIp: null, held: ownRules, slot }] : []),
      ...ports.map((port) => (forward.form ? port : { ...port, externalIp: site.externalIp })),
    ];
  });
  const mapping = {
    network: '',
    subnet: '',
    name: '',
    macAddress: '',
    ipAddress: internalIp,
    disabled: false,
    extra: [],
  };
  return [addressOf(mapping), { kind: 'rule', externalIp: null, held: rules, slot: '' }, ...own];
}

/** Whether a VM is what another, or itself, was: all that can change of one. */
export function isAs(vm: Vm, then: Restorable): boolean {
  const known = ({ name, macAddress, hostname, ownerGroup, metadata, forwards }: Restorable) =>
    digestOf(name, macAddress, hostname, ownerGroup, metadata, byName(forwards));
  return known(vm) === known(then);
}

type Restorable = Pick<Vm, 'name' | 'macAddress' | 'hostname' | 'ownerGroup' | 'metadata' | 'forwards'>;

const byName = (forwards: readonly Forward[]): readonly Forward[] =>
  [...forwards].sort((a, b) => (a.name < b.name ? -1 : 1));

/** Whether a VM stands where another did, so that it can become that one: what never changes of a VM is the same. */
export const standsAt = (vm: Vm, then: Pick<Vm, 'router' | 'internalIp' | 'rules' | 'site'>): boolean =>
  vm.router === then.router &&
  vm.internalIp === then.internalIp &&
  digestOf(vm.rules, vm.site) === digestOf(then.rules, then.site);

/** A digest of what a VM has on its router, rules in the order of their numbers. */
export const digestOfFragment = ({ mapping, rules }: DesiredFragment): string =>
  digestOf(
    mapping,
    [...rules].sort((a, b) => a.number - b.number),
  );

/** The same of a VM as the router has confirmed it. */
export const digestOfVm = (vm: Vm): string => digestOfFragment(desiredFragment(vm, vm));

const listed = (vmName: string, blocked: readonly BlockedBy[]) =>
  blocked.map(({ text }) => ({ field: vmName, message: text }));

/** What the VM had is somebody else's now. */
export const restoreBlocked = (vmName: string, blocked: readonly BlockedBy[]): DomainError =>
  new DomainError(
    'conflict',
    'RESTORE_BLOCKED',
    `The VM ${vmName} cannot have back what it had: ${blocked.map(({ text }) => text).join('; ')}.`,
    { fields: listed(vmName, blocked) },
  );

/** Nobody knows any more what the VM was, beyond some of its lines. */
export const notRestorable = (vmName: string, why: string): DomainError =>
  new DomainError('conflict', 'VM_NOT_RESTORABLE', `The VM ${vmName} cannot be made again: ${why}.`, {
    fields: [{ field: vmName, message: why }],
  });

/** Without `reduce`, all of it or nothing. */
export function rollbackBlocked(errors: readonly DomainError[]): DomainError {
  const fields = errors.flatMap((error) => error.details.fields ?? [{ field: '', message: error.message }]);
  return new DomainError(
    'conflict',
    'ROLLBACK_BLOCKED',
    `${errors.length} VMs cannot be what they were: see the errors, or leave them out with "reduce".`,
    { fields },
  );
}

export const nothingToRestore = (): DomainError =>
  new DomainError('conflict', 'NOTHING_TO_RESTORE', 'What Berth has on the router, and its books, are that already.');

export const rollbackTooLarge = (vms: number, most: number): DomainError =>
  new DomainError(
    'too_large',
    'ROLLBACK_TOO_LARGE',
    `${vms} VMs would change, and a plan is of at most ${most}: ask for it "in_parts".`,
  );
