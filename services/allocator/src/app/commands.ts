import type { Permitted } from '@berth/contracts';
import type { AdoptionRequest } from '../domain/adoption/adoption.ts';
import type { PortAction } from '../domain/forwards/change-forwards.ts';
import type { ForwardsEdit } from '../domain/forwards/edit-forwards.ts';
import type { ForwardWish } from '../domain/forwards/forward-wish.ts';
import type { BulkPlace, Operation, ProvisionRequest } from '../domain/operations/operation.ts';
import type { RestoreRequest } from '../domain/restore/restore.ts';
import type { VmUpdate } from '../domain/vms/vm-update.ts';
import type { KeyUse } from './ports.ts';

/** Who asks, and what it may do: the policy of `@berth/contracts` says with whose things. */
export interface Caller extends Required<Permitted> {
  readonly id: string;
  readonly name: string;
  /** The user who asks, with whichever key; empty: nobody. */
  readonly userId: string;
}

interface CommandBase {
  readonly operationId: string;
  /** After this moment, by the database's clock, it is refused. */
  readonly deadline: Date;
  readonly caller: Caller;
  readonly requestId: string;
  readonly traceparent: string;
  readonly key: KeyUse | undefined;
  /** The caller is content with a change that waits for a router that is away. */
  readonly mayWait: boolean;
  /** Refused unless the VM's version is this; 0: whatever it is. */
  readonly ifVersion: number;
  /** It was planned: it gets what its plan says, and nothing else instead. */
  readonly pinned?: boolean;
  /** The bulk that it is an item of. */
  readonly bulk?: BulkPlace | undefined;
}

export interface ProvisionCommand extends CommandBase {
  readonly kind: 'provision-vm';
  readonly vmId: string;
  readonly ownerGroup: string;
  /** The caller named the router; else a pool that it names decides. */
  readonly routerNamed: boolean;
  /** Without its forwards' places: those depend on the template. */
  readonly request: Omit<ProvisionRequest, 'forwards'> & { readonly forwards: readonly ForwardWish[] | undefined };
}

/** What people configured on a router becomes a VM. */
export interface AdoptCommand extends CommandBase {
  readonly kind: 'adopt-vm';
  readonly vmId: string;
  readonly ownerGroup: string;
  readonly request: AdoptionRequest;
}

/** A VM shall be again what it was, with every value that it had. */
export interface RestoreCommand extends CommandBase {
  readonly kind: 'restore-vm';
  /** The VM that is there, or the id of the one that is made anew. */
  readonly vmId: string;
  readonly ownerGroup: string;
  readonly request: RestoreRequest;
}

export interface ChangePortsCommand extends CommandBase {
  readonly kind: 'change-ports';
  readonly machineId: string;
  readonly action: PortAction;
  /** Empty: those of the VM's template. */
  readonly names: readonly string[];
}

export interface ChangeForwardsCommand extends CommandBase {
  readonly kind: 'change-forwards';
  readonly machineId: string;
  readonly edit: ForwardsEdit;
}

export interface UpdateVmCommand extends CommandBase {
  readonly kind: 'update-vm';
  readonly machineId: string;
  readonly update: VmUpdate;
}

export interface DecommissionCommand extends CommandBase {
  readonly kind: 'decommission-vm';
  readonly machineId: string;
}

/** A command whose form and permission have been checked. */
export type Command =
  | ProvisionCommand
  | AdoptCommand
  | RestoreCommand
  | ChangePortsCommand
  | ChangeForwardsCommand
  | UpdateVmCommand
  | DecommissionCommand;

/** What a command started, or had started. */
export interface Accepted {
  readonly operation: Operation;
  /** The Idempotency-Key was known: this is what its first use started. */
  readonly replayed: boolean;
}

/**
 * What two commands must not have in common to be accepted by the same transaction: then the later one sees what became of the earlier.
 */
export function exclusiveKeys(command: Command): string[] {
  const keys = [`operation ${command.operationId}`];
  if (command.key) keys.push(`key ${JSON.stringify([command.key.scope, command.key.key])}`);
  if (command.kind === 'update-vm') keys.push(...newNames(command.update));
  if (command.kind !== 'provision-vm' && command.kind !== 'adopt-vm' && command.kind !== 'restore-vm')
    return [...keys, `name ${command.machineId.toLowerCase()}`];
  const { vmName, macAddress, hostname } = command.request;
  return [
    ...keys,
    `name ${command.vmId}`,
    `name ${vmName.toLowerCase()}`,
    `mac ${macAddress}`,
    `mapping ${hostname.toLowerCase()}`,
  ];
}

/** What an update wants to be known by; which router its MAC and mapping are on is not known yet, so they meet those on any. */
const newNames = ({ name, macAddress, hostname }: VmUpdate): string[] => [
  ...(name === undefined ? [] : [`name ${name.toLowerCase()}`, `mapping ${name.toLowerCase()}`]),
  ...(macAddress === undefined ? [] : [`mac ${macAddress}`]),
  ...(hostname ? [`mapping ${hostname.toLowerCase()}`] : []),
];
