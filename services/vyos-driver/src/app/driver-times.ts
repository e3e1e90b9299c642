import type { LeaseTimes } from './lease.ts';

/** Every time that the driver waits or keeps to, in milliseconds. `config.ts` says where they come from and their defaults. */
export interface DriverTimes extends LeaseTimes {
  /** The operations of a commit may always take so long; see `roomMs`. */
  readonly batchFloorMs: number;
  /** The longest that a commit may be estimated to take. */
  readonly batchMostMs: number;
  /** The longest pause after a batch, for the callers just served to ask again. */
  readonly batchPauseMs: number;
  /** How often a replica looks for work, or for a free lease, when nothing rang. */
  readonly pollMs: number;
  /** After a refusal the router needs this long before it takes the same nodes again. */
  readonly settleDelayMs: number;
  /** An idle router is asked this often whether it is there: five times as often while something is not saved, less often where even that takes it long. */
  readonly probeEveryMs: number;
  /** How often an idle router is read and compared with what is applied. */
  readonly driftEveryMs: number;
  /** An inventory older than this (or ten times its cost) is read again before a batch. */
  readonly inventoryMaxAgeMs: number;
  /** First and longest pause before asking a locked router again. */
  readonly lockedFirstMs: number;
  readonly lockedMostMs: number;
  /** After so long the router's status says that somebody holds its lock. */
  readonly lockedAlarmMs: number;
  /** First and longest pause before asking a router that does not answer, while the breaker is closed. */
  readonly awayFirstMs: number;
  readonly awayMostMs: number;
  /** First and longest pause before a blocked or unknown router is tried again. */
  readonly troubleFirstMs: number;
  readonly troubleMostMs: number;
  /** A commit is saved after so long even when batches follow each other. */
  readonly saveWithinMs: number;
  /**
   * How long a commit or a save may take at least; a commit that is estimated to take long gets twice its estimate. In production never below 60 s: a commit that
   * is cut off still runs on the router, and has to be waited for and read. Shorter ones are for tests.
   */
  readonly writeTimeoutMs: number;
  /** How long a reading may take. */
  readonly readTimeoutMs: number;
  /** How long a probe may take. */
  readonly probeTimeoutMs: number;
  /** How long a stop waits for the request in flight; afterwards the next holder settles it by reading. */
  readonly stopGraceMs: number;
  /** How often a replica says that it lives, and looks which routers there are and how they were changed, when nothing told it. */
  readonly sweepMs: number;
}

/** The pause before try number `tries` (from 1): doubles from `first` to `most`. */
export const growingMs = (tries: number, first: number, most: number): number =>
  Math.min(most, first * 2 ** Math.min(Math.max(0, tries - 1), 20));
