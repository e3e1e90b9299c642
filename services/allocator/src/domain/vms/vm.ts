import type { ConfigLeaf, Forward } from '../forwards/forward.ts';
import type { NumberRange } from '../number-range.ts';

/**
 * Where a VM stands: `provisioning`, `active` and `removing` are alive; `failed` was never confirmed by the router and undone; `removed`
 * was there. The last two are tombstones: an id is never used again.
 */
export type VmState = 'provisioning' | 'active' | 'removing' | 'failed' | 'removed';

export const isAlive = ({ state }: { state: VmState }): boolean => state !== 'failed' && state !== 'removed';

/** Where on its router a VM's lines go; fixed when it is provisioned. */
export interface RouterSite {
  readonly wanInterface: string;
  readonly externalIp: string;
  readonly dhcpNetwork: string;
  readonly dhcpSubnet: string;
}

/** A pool as it is remembered with what is of it. Its name never changes. */
export interface PoolRef {
  readonly id: string;
  readonly name: string;
}

/** What a mapping that was adopted says otherwise than Berth's own. */
export interface AdoptedMapping {
  /** The MAC address as people wrote it. */
  readonly macAsWritten: string;
  readonly extra: readonly ConfigLeaf[];
  /** Its lines went with the VM, and Berth makes them again: nothing of it is to be found on the router. */
  readonly anew?: boolean;
}

/** What can change about a VM's lines on its router: the whole of it. */
export interface Wanted {
  readonly name: string;
  readonly macAddress: string;
  readonly hostname: string;
  readonly forwards: readonly Forward[];
}

/** A VM as the allocator keeps it. */
export interface Vm {
  readonly id: string;
  readonly name: string;
  readonly macAddress: string;
  /** The static mapping's name on the router. */
  readonly hostname: string;
  readonly router: string;
  readonly site: RouterSite;
  readonly internalIp: string;
  /** Its block of rule numbers; those of its template come first. */
  readonly rules: NumberRange;
  /** Where its external ports must lie, when it was provisioned so. */
  readonly portRange: NumberRange | null;
  /** The pools that its values are of; null: of none, or of one that is gone. */
  readonly ipPool: PoolRef | null;
  readonly portPool: PoolRef | null;
  readonly rulePool: PoolRef | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly ownerGroup: string;
  readonly state: VmState;
  /** What the router has confirmed, and those of its template and others that are remembered. */
  readonly forwards: readonly Forward[];
  /** What the revision on its way to the router asks for; null when none is on its way, and for a removal. */
  readonly wanted: Wanted | null;
  /** A revision is on its way: its verdict is awaited. There is never more than one. */
  readonly unsettled: boolean;
  /** The number of the newest revision; 0 before the first. */
  readonly revision: number;
  /** Grows with each restore of the database; older incarnations' verdicts mean nothing. */
  readonly incarnation: number;
  /** Grows with each change that is accepted or settled. */
  readonly version: number;
  /** Made of what people had configured on the router. */
  readonly adopted?: AdoptedMapping;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What the router has confirmed of a VM. */
export const settledOf = ({ name, macAddress, hostname, forwards }: Vm): Wanted => ({
  name,
  macAddress,
  hostname,
  forwards,
});

/** The router has it, whatever is on its way. */
export const isConfirmed = ({ state }: Vm): boolean => state === 'active' || state === 'removing';

/** The VM as if nothing were on its way. */
export const asConfirmed = (vm: Vm): Vm => ({ ...vm, state: 'active', wanted: null, unsettled: false });

/** What a VM shall have on its router now: nothing while it is being removed. */
export const desiredOf = (vm: Vm): Wanted | null => (vm.state === 'removing' ? null : (vm.wanted ?? settledOf(vm)));
