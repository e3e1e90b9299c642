/** A pool as scenarios write and read it, whichever way it goes. */
export interface ScenarioPool {
  readonly name: string;
  readonly router?: string;
  readonly description?: string;
  readonly groups?: readonly string[];
  readonly default?: boolean;
  readonly state?: 'active' | 'draining' | 'disabled';
  readonly alert_thresholds?: readonly number[];
  /** What it holds, with the names that REST and protobuf have in common. */
  readonly values: Readonly<Record<string, unknown>>;
}

export type PoolKind = 'ip-pools' | 'port-pools' | 'rule-pools';

/** What a scenario may know of a pool's use. */
export interface ScenarioUse {
  readonly size: number;
  readonly free: number;
  readonly held: number;
  readonly reserved: number;
  readonly quarantined: number;
}

export interface SeenPool extends ScenarioPool {
  readonly version: number;
  readonly use: ScenarioUse;
  readonly warnings: readonly string[];
}

export interface SeenAllocation {
  readonly first: string;
  readonly last: string;
  readonly holder: 'vm' | 'reservation' | 'quarantine' | 'foreign';
  readonly vm_name: string;
  readonly forward: string;
  readonly note: string;
}

export interface SeenReservation {
  readonly id: string;
  readonly first: string;
  readonly last: string;
  readonly note: string;
}

/** What became of a call: its answer, or why not. */
export type Outcome<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly fields: readonly string[] };

export interface CallOptions {
  readonly idempotencyKey?: string;
  readonly ifVersion?: number;
  readonly validateOnly?: boolean;
}

/** Administration of pools, as the scenarios ask for it. One implementation for each way in. */
export interface PoolClient {
  create(kind: PoolKind, pool: ScenarioPool, options?: CallOptions): Promise<Outcome<SeenPool>>;
  get(kind: PoolKind, name: string): Promise<Outcome<SeenPool>>;
  /** All pools of a kind, over pages of this size. */
  list(kind: PoolKind, pageSize: number): Promise<Outcome<readonly string[]>>;
  update(
    kind: PoolKind,
    name: string,
    change: Partial<ScenarioPool>,
    options?: CallOptions,
  ): Promise<Outcome<SeenPool>>;
  delete(kind: PoolKind, name: string, options?: CallOptions): Promise<Outcome<null>>;
  drain(kind: PoolKind, name: string): Promise<Outcome<SeenPool>>;
  undrain(kind: PoolKind, name: string): Promise<Outcome<SeenPool>>;
  allocations(kind: PoolKind, name: string, pageSize: number): Promise<Outcome<readonly SeenAllocation[]>>;
  reserve(
    kind: PoolKind,
    name: string,
    what: Readonly<Record<string, unknown>>,
    options?: CallOptions,
  ): Promise<Outcome<SeenReservation>>;
  release(kind: PoolKind, name: string, reservationId: string): Promise<Outcome<null>>;
  explain(
    value: Readonly<Record<string, unknown>>,
  ): Promise<Outcome<{ pool: string; free: boolean; available: boolean; holders: readonly string[] }>>;
}

/** What of a pool is said: REST has null where protobuf has its empty value. */
export const said = (values: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== '' && value !== 0));
