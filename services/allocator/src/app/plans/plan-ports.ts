import type { ForeseenRouter, Plan, PlannedChange, PlannedVm, PlanState, TriedPlan } from '../../domain/plans/plan.ts';
import type { AdoptCommand, Caller, Command } from '../commands.ts';
import type { KeyUse } from '../ports.ts';

type Distribute<T> = T extends unknown
  ? Omit<
      T,
      | 'operationId'
      | 'deadline'
      | 'caller'
      | 'requestId'
      | 'traceparent'
      | 'key'
      | 'mayWait'
      | 'ifVersion'
      | 'bulk'
      | 'pinned'
    >
  : never;

/** What a command asks for, without who asks and until when. */
export type PinnedCommand = Distribute<Exclude<Command, AdoptCommand>> & { readonly index: number };

/** A plan of commands. */
export type CommandPlan = Plan<PinnedCommand>;

/** What a trial took, for a plan to hold. */
export interface Takings {
  readonly values: readonly TakenRange[];
  readonly claims: readonly {
    readonly kind: string;
    readonly scope: string;
    readonly value: string;
    readonly vmId: string;
  }[];
}

/** A range that a VM would get; `quarantineId`: it rests, and would come back from there. */
export interface TakenRange {
  readonly spaceId: number;
  readonly first: number;
  readonly last: number;
  readonly slot: string;
  readonly vmId: string;
  readonly quarantineId: string | null;
}

/** What work came to that was tried and taken back. */
export interface Trial<T> {
  readonly outcome: T;
  /** What would have been sent, the newest of each VM. */
  readonly changes: readonly PlannedChange[];
  readonly vms: readonly PlannedVm[];
  readonly versions: TriedPlan['versions'];
  readonly takings: Takings;
  readonly now: Date;
}

/** Plans within a transaction that has the locks of their routers. */
export interface PlanBook {
  /** By its id, or by the key that it was made with within the last 24 hours; whichever comes first. */
  known(
    id: string,
    key: KeyUse | undefined,
  ): Promise<{ readonly plan: CommandPlan; readonly fingerprint: Uint8Array | null } | undefined>;
  /** How many plans of this principal hold something; others of the same principal wait for this transaction's end. */
  countLive(principalId: string): Promise<number>;
  /** Stores it, and holds what it would hand out. */
  insert(plan: CommandPlan, takings: Takings, key: KeyUse | undefined): Promise<void>;
  /** Its row, locked. */
  lock(id: string): Promise<CommandPlan | undefined>;
  /** Stores what can change of it. */
  put(plan: CommandPlan): Promise<void>;
  /** What it holds is to be had by its VMs, and by nobody else, until this transaction ends. */
  handOver(id: string): Promise<void>;
  /** What it holds is free. */
  release(id: string): Promise<void>;
  /** What it holds is free, and nobody knows it any more: it never was open. */
  forget(id: string): Promise<void>;
  /** The revisions of those of these VMs that are there. */
  versionsOf(vmIds: readonly string[]): Promise<TriedPlan['versions']>;
}

/** Plans as they are, without locks. */
export interface PlanReader {
  find(id: string): Promise<CommandPlan | undefined>;
  /** The newest first, after a place: those that somebody made, and those that are about nothing but VMs of these groups. */
  list(
    seen: { readonly principalId: string; readonly userId: string; readonly groups: 'all' | readonly string[] },
    page: {
      /** In one of these; empty: in any. */
      readonly states: readonly PlanState[];
      readonly after: string | undefined;
      readonly most: number;
    },
  ): Promise<readonly { readonly plan: CommandPlan; readonly place: string }[]>;
}

/** Asks the driver what changes would do on a router. */
export type ForeseeRouter = (
  caller: Caller,
  router: string,
  changes: readonly PlannedChange[],
) => Promise<ForeseenRouter>;
