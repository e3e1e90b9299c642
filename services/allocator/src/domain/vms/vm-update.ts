import type { ClaimKind } from '../errors.ts';
import type { Vm } from './vm.ts';

/** What shall be different about a VM; what is absent stays. */
export interface VmUpdate {
  readonly name?: string | undefined;
  readonly macAddress?: string | undefined;
  /** Empty: the VM's name. */
  readonly hostname?: string | undefined;
  /** null: none. */
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
  readonly ownerGroup?: string | undefined;
}

/** What a VM is known by: each held once. */
export type Identity = Pick<Vm, 'name' | 'macAddress' | 'hostname'>;

const sameText = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** What a VM is known by after an update. Its mapping follows the VM's name while it bears it, unless another name is asked for. */
export function identityAfter(before: Identity, update: VmUpdate): Identity {
  const name = update.name ?? before.name;
  const follows = sameText(before.hostname, before.name);
  const hostname = update.hostname === undefined ? (follows ? name : before.hostname) : update.hostname || name;
  return { name, macAddress: update.macAddress ?? before.macAddress, hostname };
}

export const sameIdentity = (one: Identity, other: Identity): boolean =>
  one.name === other.name && one.macAddress === other.macAddress && one.hostname === other.hostname;

/** A name or number in text form that a VM holds alone: `scope` says within what. */
export interface IdentityClaim {
  readonly vmId: string;
  readonly kind: ClaimKind;
  readonly scope: string;
  /** In lower case, as it is compared. */
  readonly value: string;
  /** As the caller wrote it. */
  readonly shown: string;
}

/** What a VM of this identity holds. */
export function claimsOf(
  { name, macAddress, hostname }: Identity,
  at: { readonly vmId: string; readonly router: string; readonly dhcpSubnet: string },
): IdentityClaim[] {
  const claim = (kind: ClaimKind, scope: string, shown: string): IdentityClaim => ({
    vmId: at.vmId,
    kind,
    scope,
    value: shown.toLowerCase(),
    shown,
  });
  return [
    claim('vm_name', '', name),
    claim('mac', `${at.router} ${at.dhcpSubnet}`, macAddress),
    claim('mapping', at.router, hostname),
  ];
}
