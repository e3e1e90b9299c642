import type { ConfigTree } from '../../domain/config-tree.ts';
import type { DriftPolicy, DriftRule, PathDifference } from '../../domain/drift/drift.ts';
import type { ForeignChange } from '../../domain/drift/foreign-changes.ts';

/** A difference that was found before and has not ended. */
export interface OpenDrift {
  readonly found: ConfigTree | undefined;
  /** To be undone, whatever the policy says: somebody asked for that, or it was found after an outage. */
  readonly repairing: boolean;
  /** Somebody made it again after every repair: it is not repaired by policy any more. */
  readonly contested: boolean;
}

/** Checks that were asked for, counted. */
export interface DriftRequests {
  readonly asked: bigint;
  /** The newest of them that asked for a repair. */
  readonly repairAsked: bigint;
  /** All up to this one are answered. */
  readonly answered: bigint;
}

/** What is stored of a router's drift, as far as its worker needs it. */
export interface DriftBook {
  /** When the policies were set, as the database writes it; empty: never. */
  readonly policiesSetAt: string;
  readonly rules: readonly DriftRule[];
  /** By path key. */
  readonly open: ReadonlyMap<string, OpenDrift>;
  /** Path keys that were repaired by policy again and again within the last hour. */
  readonly worn: ReadonlySet<string>;
}

/** A difference, and what becomes of it. */
export interface FoundDrift extends PathDifference {
  readonly resourceId: string;
  readonly policy: DriftPolicy;
  readonly repairing: boolean;
  readonly contested: boolean;
  /** It was not there before, or otherwise: it is to be told. */
  readonly isNews: boolean;
  /** For people. */
  readonly note: string;
}

/** What a reading showed of drift. */
export interface DriftFindings {
  readonly found: readonly FoundDrift[];
  /** Path keys of which this reading says nothing: batches of ours left something there. */
  readonly unjudged: readonly string[];
  /** Owned paths that stand as they are applied. */
  readonly unchanged: number;
  readonly costMs: number;
  /** What others changed of their own since the reading before, when that is known. */
  readonly foreign: readonly ForeignChange[];
  /** Checks up to this one are answered by it. */
  readonly answers: bigint;
  /** Of the book that it was judged by. */
  readonly policiesSetAt: string;
}

/** A resource whose drift ended with a settlement, if it had any. */
export interface MendedResource {
  readonly resourceId: string;
  /**
   * `repair`: what was to be undone is; `change`: a change of the VM brought all of its lines to what it asked for; `accepted`: what stood is
   * what is wanted.
   */
  readonly how: 'repair' | 'change' | 'accepted';
}

/** Drift in the ledger: see `RouterLedger`. */
export interface DriftLedger {
  driftRequests(): Promise<DriftRequests>;
  driftBook(): Promise<DriftBook>;
  /** Records a reading's findings and tells of what is new, contested and gone. False, and nothing is recorded: other policies hold since. */
  recordDrift(findings: DriftFindings): Promise<boolean>;
}
