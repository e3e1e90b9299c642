import type { DomainError } from '@berth/errors';
import type { FoundValue } from '../domain/adoption/adoption.ts';
import type { ClaimKind } from '../domain/errors.ts';
import type { ForwardTemplate } from '../domain/forwards/forward-template.ts';
import type { NumberRange } from '../domain/number-range.ts';
import type { Operation } from '../domain/operations/operation.ts';
import type { PoolSpec } from '../domain/pools/pool.ts';
import type { PoolDirectory } from '../domain/pools/pool-directory.ts';
import type { BlockedBy } from '../domain/restore/restore.ts';
import type { DhcpSubnet, Router, RouterInterface, RouterState } from '../domain/routers/router.ts';
import type { Chosen, Demand, Sources } from '../domain/values/choose-values.ts';
import type { Holding } from '../domain/values/holdings.ts';
import type { RouterSite, Vm, Wanted } from '../domain/vms/vm.ts';
import type { BulkBook } from './bulk/bulk-book.ts';
import type { PlanBook, Trial } from './plans/plan-ports.ts';

/** Who holds a value, or held it: within the quarantine the same group and name get the same values back. */
export interface Holder {
  readonly vmId: string;
  readonly vmName: string;
  readonly ownerGroup: string;
}

export const holderOf = ({ id, name, ownerGroup }: Vm): Holder => ({ vmId: id, vmName: name, ownerGroup });

/** Values that a VM gives up. */
export interface GivenUp {
  readonly router: string;
  /** The router's address that its ports are on. */
  readonly externalIp: string;
  readonly holder: Holder;
  /** Exactly these, whatever runs they were taken in; undefined: all that it holds. */
  readonly holdings: readonly Holding[] | undefined;
}

/** A name or number in text form that must be held once: `scope` says within what. Compared as written. */
export interface Claim {
  readonly vmId: string;
  readonly kind: ClaimKind;
  readonly scope: string;
  readonly value: string;
}

/** VMs of this transaction: read once, changed here, written together when it commits. */
export interface VmBook {
  /** Fetches those that this transaction has not seen yet, tombstones too. */
  load(ids: readonly string[]): Promise<void>;
  get(id: string): Vm | undefined;
  put(vm: Vm): void;
  /** What was put so far is a version of its own, which an operation may show as its result; what is put from here on is another. */
  beginVersion(): void;
  /** Drops one that was put and never stored. */
  forget(id: string): void;
  /** Living VMs by name or id as the caller wrote it, loaded. */
  findAlive(machineIds: readonly string[]): Promise<ReadonlyMap<string, Vm>>;
}

/** An Idempotency-Key as it came. */
export interface KeyUse {
  readonly scope: string;
  readonly key: string;
  readonly fingerprint: Uint8Array;
}

/** What a key was used for first. */
export interface FirstUse {
  /** Undefined: something else than a single operation, as a bulk. */
  readonly operation: Operation | undefined;
  readonly fingerprint: Uint8Array;
}

/** Operations of this transaction; what is put is written when it commits. */
export interface OperationBook {
  put(operation: Operation): void;
  /** As this transaction knows it. */
  get(id: string): Operation | undefined;
  /** Drops one that was put and never stored. */
  forget(id: string): void;
  /** Pending and running ones of these VMs in the order they were accepted, those put in this transaction last. */
  openOf(vmIds: readonly string[]): Promise<Operation[]>;
  /** Pending and running ones of a bulk. */
  openOfBulk(bulkId: string): Promise<readonly Operation[]>;
  byIds(ids: readonly string[]): Promise<ReadonlyMap<string, Operation>>;
  /** What these keys started within the last 24 hours; the answer's places are the keys'. */
  byKeys(keys: readonly (KeyUse | undefined)[]): Promise<readonly (FirstUse | undefined)[]>;
  /** Binds a key to an operation that was put. */
  remember(key: KeyUse, operationId: string): void;
}

/** Values that others hold and that a VM takes over as they stand. */
export interface TakenOver {
  readonly vmId: string;
  readonly router: string;
  readonly values: readonly FoundValue[];
}

/** Values that a VM shall have back, exactly these. */
export interface TakenBack {
  readonly holder: Holder;
  readonly router: string;
  readonly values: readonly FoundValue[];
  /** The VM that had them and is gone: they may rest since. */
  readonly formerId: string | null;
}

/** What became of it. */
export interface TakeOverResult {
  /** Why nothing was taken: who else holds one of the values. */
  readonly error?: DomainError;
  /** The pool that its address is of; null: of none. */
  readonly addressPool: string | null;
}

export interface ValueStore {
  /** Reserves for each in order; one that cannot have all it asks for gets nothing, and the others do not notice. */
  reserve(
    asked: readonly { readonly holder: Holder; readonly demand: Demand; readonly sources: Sources }[],
  ): Promise<readonly (Chosen | DomainError)[]>;
  /**
   * Makes what others hold the VMs', without a moment in which it is free; each VM's all or none. What nobody holds is taken too. Two VMs
   * that ask for the same value are an error of the caller's.
   */
  takeOver(asked: readonly TakenOver[]): Promise<readonly TakeOverResult[]>;
  /**
   * Takes exactly these, each VM's all or none, also from where they rest under the VM's name; what a VM holds already stays its own. The
   * answer's places are those of who asks: what stands in the way, and nothing where all was taken.
   */
  takeBack(asked: readonly TakenBack[]): Promise<readonly (readonly BlockedBy[])[]>;
  /** Gives up what VMs hold. What is not held counts as given up. */
  release(given: readonly GivenUp[], how: 'quarantine' | 'free'): Promise<void>;
  /** Notes that what VMs hold is held for other forwards than before: `slot` is the new one. */
  rename(held: readonly GivenUp[]): Promise<void>;
}

export interface ClaimStore {
  /** Takes each that nobody holds; gives back those that somebody else does. Taking again what one holds is fine. */
  take(claims: readonly Claim[]): Promise<readonly Claim[]>;
  /** As `take`, but those that only others on the router hold are taken over. */
  takeOver(claims: readonly Claim[]): Promise<readonly Claim[]>;
  /** Who has these, as a sentence's end for each. */
  holders(claims: readonly Claim[]): Promise<readonly BlockedBy[]>;
  release(vmIds: readonly string[]): Promise<void>;
  /** Gives up all that these VMs hold except for `kept`. */
  keepOnly(vmIds: readonly string[], kept: readonly Claim[]): Promise<void>;
}

/** Everything that one transaction works on. The routers' rows are locked, so nothing of theirs changes beside it. */
export interface Books {
  /** By the database's clock, after the locks were taken. */
  readonly now: Date;
  readonly incarnation: number;
  readonly routers: ReadonlyMap<string, Router>;
  readonly vms: VmBook;
  readonly operations: OperationBook;
  readonly values: ValueStore;
  readonly claims: ClaimStore;
  readonly bulks: BulkBook;
  readonly plans: PlanBook;
  /** The pools of these routers as they are under their locks; read once. */
  pools(): Promise<PoolDirectory>;
  /** The forwards that new VMs get. */
  readonly template: ForwardTemplate;
  /** Tells the driver what the VM shall have on its router; null: nothing. Leaves when the transaction commits. */
  sendChange(vm: Vm, wanted: Wanted | null, operations: readonly Operation[]): void;
  /** Asks the driver to take back the VM's revision that is on its way, if no commit has begun with it. Leaves when the transaction commits. */
  sendWithdrawal(vm: Vm): void;
  /** Tells everyone that an operation ended. */
  sendEnded(operation: Operation): void;
}

export interface Ledger {
  /**
   * Runs `work` in one transaction that locks these routers; may run it again, so it must have no effects elsewhere. One that computes much
   * between its statements says `takesLong`, so that the database does not take it for frozen.
   */
  transaction<T>(
    routers: readonly string[],
    work: (books: Books) => Promise<T>,
    options?: { readonly takesLong: boolean },
  ): Promise<T>;
  /**
   * Runs `work` as `transaction` does and takes all of it back; then `keep`, in the same transaction and under the same locks, with what it
   * would have come to. Whatever `work` does is so rehearsed exactly as it would happen: a change of the books of any kind can be planned.
   */
  rehearse<T, K>(
    routers: readonly string[],
    work: (books: Books) => Promise<T>,
    keep: (plans: PlanBook, trial: Trial<T>) => Promise<K>,
    options?: { readonly takesLong: boolean },
  ): Promise<K>;
  /** Whether a transaction that failed with this may succeed when it is run again later, as it is. */
  mayPass(error: unknown): boolean;
  /** The routers of living VMs, by the names or ids that the caller wrote. A look without locks. */
  routersOf(machineIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** The routers of pools, by kind and name ("ip-pools/edge"). A look without locks. */
  routersOfPools(names: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** Thrown when what was looked up before the locks were taken no longer holds: the transaction is run again from the look-up on. */
export class LookAgain extends Error {
  override readonly name = 'LookAgain';
}

/** How a router stands, as the driver tells it. */
export interface RouterReport {
  readonly name: string;
  readonly epoch: bigint;
  readonly sequence: bigint;
  readonly state: RouterState;
  readonly retryAfterSeconds: number;
  readonly reason: string;
  readonly since: Date | null;
  readonly site: RouterSite | null;
  readonly gateway: string;
  readonly subnets: readonly DhcpSubnet[];
  readonly interfaces: readonly RouterInterface[];
  readonly version: string;
  readonly inventory: bigint;
}

/** Something that others hold on a router. */
export interface ForeignValue {
  readonly kind: 'address' | 'tcp' | 'udp' | 'rule' | 'mac' | 'mapping';
  /** Numbers. */
  readonly held: NumberRange | null;
  /** MAC or mapping name, in lower case. */
  readonly value: string;
  /** Ports: the address they are on; empty for any. */
  readonly externalIp: string;
  readonly path: string;
}

/** A value of ours that others hold too. */
export interface ForeignConflict {
  readonly kind: string;
  readonly value: string;
  readonly path: string;
}

/** What the settings' pools of a router shall be; none before its place in the network is known. */
export type DefaultPools = (router: Router) => readonly PoolSpec[];

export interface RouterStore {
  /** Stores reports that are newer than what is known, with what follows for the pools of those whose place in the network changed. */
  report(reports: readonly RouterReport[], defaults: DefaultPools): Promise<void>;
  all(): Promise<readonly Router[]>;
  /** Removed routers of which something is left that nothing keeps any more. */
  toDrop(): Promise<readonly string[]>;
  /** Makes the settings' pools of a router once, and what they say as long as nobody has changed them by hand. Repeatable. */
  reconcilePools(router: string, defaults: DefaultPools): Promise<void>;
  /** Replaces what others hold. An older inventory than the one that is there changes nothing. Gives back what is held twice. */
  replaceForeign(
    router: string,
    inventory: bigint,
    values: readonly ForeignValue[],
  ): Promise<readonly ForeignConflict[]>;
}
