import type { AuditAuthor } from '@berth/contracts';
import type { NumberRange } from '../../domain/number-range.ts';
import type { PoolWarning } from '../../domain/pools/lint-pool.ts';
import type { Pool, PoolKind } from '../../domain/pools/pool.ts';
import type { PoolChange, Reservation } from '../../domain/pools/pool-change.ts';
import type { PoolUse } from '../../domain/pools/pool-use.ts';
import type { Router } from '../../domain/routers/router.ts';
import type { KeyUse } from '../ports.ts';

/** A pool with what is known of it at the moment. */
export interface DescribedPool {
  readonly pool: Pool;
  readonly use: PoolUse;
  readonly warnings: readonly PoolWarning[];
}

/** Which values a pool has, at a moment: for comparing. */
export type PoolSegments = readonly { readonly spaceId: number; readonly spans: string }[];

/** Who holds something. */
export interface HeldValue extends NumberRange {
  readonly kind: 'vm' | 'planned' | 'reserved';
  /** As people read it: "VM web-1". */
  readonly holder: string;
  /** Of VMs and plans, whose they are; empty: nobody's. */
  readonly ownerGroup: string;
}

/** Values that are held: how many holdings, and some of them. */
export interface HeldValues {
  readonly count: number;
  readonly examples: readonly HeldValue[];
}

/** How much of a pool (of ports: of its tightest protocol) is left, and which threshold was noted as reached. */
export interface PoolLevel {
  readonly id: string;
  readonly router: string;
  readonly size: number;
  readonly free: number;
  readonly alertThresholds: readonly number[];
  readonly reached: number;
}

/** Pools within a transaction that has the lock of their router. */
export interface PoolStore {
  find(kind: PoolKind, name: string): Promise<Pool | undefined>;
  /** false: the name is taken. */
  insert(pool: Pool): Promise<boolean>;
  /** Stores what can change of it. */
  replace(pool: Pool): Promise<void>;
  /** The pool is gone, with its part of each space. Nothing of it may be held. */
  remove(pool: Pool): Promise<void>;
  /** Makes it the default of its groups and of no others. Gives back the pools that are not any more, as they are left. */
  takeDefaults(pool: Pool): Promise<readonly Pool[]>;
  dropDefaults(pool: Pool): Promise<void>;
  /**
   * Makes the segments of the router what its pools say; reservations are of the pool that has their values then. Throws `POOL_OVERLAP`
   * when `written` has values of another pool that people made. Of other pools that overlap the junior one goes without.
   */
  apply(router: Router, written?: Pool): Promise<void>;
  segmentsOf(pool: Pool): Promise<PoolSegments>;
  /** The router's pool of this kind that the settings keep, if they do. */
  keptBySettings(router: string, kind: PoolKind): Promise<Pool | undefined>;
  /** What VMs and reservations hold of `before` and the pool has no more. */
  heldOutside(pool: Pool, before: PoolSegments): Promise<HeldValues>;
  /** What VMs and reservations hold of it; and its reservations whose values no pool has any more. */
  heldOf(pool: Pool): Promise<HeldValues>;
  levelsOf(ids: readonly string[]): Promise<readonly PoolLevel[]>;
  /** Notes thresholds as reached where `before` is still what was noted; gives back those. */
  noteThresholds(
    passed: readonly { readonly id: string; readonly before: number; readonly reached: number }[],
  ): Promise<readonly { readonly pool: Pool; readonly reached: number }[]>;
}

/** Which values to reserve: exactly these, or the lowest run that is long enough. */
export interface ReservationWish {
  readonly range: NumberRange | undefined;
  readonly count: number;
  readonly protocols: readonly ('tcp' | 'udp')[];
}

/** What became of a wish: the values, or why not. */
export type Reserved =
  | { readonly got: NumberRange }
  | { readonly refused: 'not of the pool' | 'none left' }
  | { readonly refused: 'taken'; readonly by: HeldValue };

export interface ReservationStore {
  /** Reserves for as long as the router's lock is held; nothing is kept when it is refused. */
  take(reservation: Omit<Reservation, 'first' | 'last'>, wish: ReservationWish): Promise<Reserved>;
  /** A look; undefined when there is none. */
  find(id: string): Promise<Reservation | undefined>;
  /** Its values are free. */
  release(reservation: Reservation): Promise<void>;
  /** The same for all of these routers that have ended. */
  endDue(routers: readonly string[]): Promise<readonly Reservation[]>;
}

/** What writes answered to an Idempotency-Key. */
export interface AnswerBook {
  /**
   * Takes the key for this transaction, waiting for another that has it. Gives back what its first use answered; throws
   * `IDEMPOTENCY_KEY_REUSED` when that asked for something else.
   */
  claim(key: KeyUse): Promise<Uint8Array | undefined>;
  /** Binds the claimed key to this answer. */
  answer(key: KeyUse, answer: Uint8Array): Promise<void>;
}

/** Everything that one change of pools works on. */
export interface PoolBooks {
  /** Locks routers that are there, in one order; `now` by the database's clock, afterwards. */
  lock(routers: readonly string[]): Promise<{ readonly routers: ReadonlyMap<string, Router>; readonly now: Date }>;
  readonly pools: PoolStore;
  readonly reservations: ReservationStore;
  readonly answers: AnswerBook;
  /** Use and warnings, as they are within this transaction. */
  describe(pools: readonly Pool[]): Promise<readonly DescribedPool[]>;
  /** Tells everyone when the transaction commits. */
  tell(change: PoolChange): void;
}

/** Of one transaction. */
export interface PoolWork {
  /** Soon after it, by the database's clock, the transaction is ended and holds no lock any more. Absent: never. */
  readonly deadline?: Date;
  /** In whose name the audit log has what it changes. Absent: Berth itself. */
  readonly author?: AuditAuthor;
}

export interface PoolLedger {
  /**
   * Runs `work` in one transaction with the entries of the audit log about what it tells; may run it again, so it must have no effects elsewhere.
   * After its deadline: `unavailable` DEADLINE_PASSED, and nothing was done.
   */
  transaction<T>(work: (books: PoolBooks) => Promise<T>, about?: PoolWork): Promise<T>;
  /** The same, and nothing is kept. */
  rehearse<T>(work: (books: PoolBooks) => Promise<T>, about?: PoolWork): Promise<T>;
  /** The routers of which reservations have ended. A look without locks. */
  routersWithEndedReservations(): Promise<readonly string[]>;
}
