import type { AdoptableObject } from '../domain/adoption/adoptable-objects.ts';
import type { CommitConfirm } from '../domain/batches/commit-confirm.ts';
import type { CostModel } from '../domain/batches/cost-model.ts';
import type { Fragment } from '../domain/changes/fragment.ts';
import type { Operation, OwnedContent } from '../domain/changes/plan.ts';
import type { Revision } from '../domain/changes/revision.ts';
import type { AppliedChange, Cause, RejectedChange } from '../domain/changes/verdict.ts';
import type { ConfigTree } from '../domain/config-tree.ts';
import type { RenamedPath } from '../domain/dialects/renamed-paths.ts';
import type { ConfigLine } from '../domain/history/config-line.ts';
import type { ForeignHolding, RouterPlace, RouterProfile } from '../domain/inventory/inventory.ts';
import type { RouterState } from '../domain/routers/router-state.ts';
import type { DriftLedger, MendedResource } from './drift/drift-book.ts';
import type { OwnedPath, ReleasedPath } from './owned-paths.ts';

/** Thrown by whatever the holder of a router does after it lost the lease: it must stop at once and touch nothing. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** Changes were taken back before a batch began with them, or before they were settled without one: nothing was sent and nothing recorded. */
export class ChangesWithdrawn extends Error {
  override readonly name = 'ChangesWithdrawn';
  readonly resourceIds: readonly string[];

  constructor(resourceIds: readonly string[]) {
    super(`${resourceIds.length} changes were withdrawn`);
    this.resourceIds = resourceIds;
  }
}

/** What is stored of a router itself. */
export interface RouterRecord {
  readonly state: RouterState;
  readonly reason: string;
  readonly version: string;
  readonly place: RouterPlace | undefined;
  readonly commitConfirm: CommitConfirm | undefined;
  readonly inventoryHash: string;
  readonly costModel: CostModel | undefined;
  /** Commits that changed the running configuration, counted; equal to `savedCount` when all are saved. */
  readonly appliedCount: bigint;
  readonly savedCount: bigint;
}

/** A change that waits for its turn. */
export interface WaitingChange {
  readonly resourceId: string;
  readonly revision: Revision;
  readonly wanted: Fragment;
  readonly applied: Fragment;
  /** What stands exactly as wanted, made by others, becomes the resource's. */
  readonly adopts: boolean;
  readonly ownerGroup: string;
  readonly causes: readonly Cause[];
}

/** A resource that has something on the router, or may have. */
export interface OwnedResource {
  readonly resourceId: string;
  readonly applied: Fragment;
  readonly appliedRevision: Revision;
  readonly ownerGroup: string;
}

/** Content of owned paths, by path key. */
export type StoredContent = Readonly<Record<string, ConfigTree>>;

/** One resource's part of a batch: all that it owns, before and after. */
export interface BatchChange {
  readonly resourceId: string;
  /** `change`: a revision on its way; `repair`: back to what is applied; `way_back`: the rest of a refused revision removed. */
  readonly purpose: 'change' | 'repair' | 'way_back';
  readonly revision: Revision;
  readonly fragment: Fragment;
  readonly causes: readonly Cause[];
  readonly before: StoredContent;
  readonly after: StoredContent;
  /** Path keys that became the resource's with this batch: its own only if what stands there afterwards is what was sent. */
  readonly claims: readonly string[];
}

/** A batch as it is written ahead of its request. */
export interface NewBatch {
  readonly id: string;
  readonly operations: readonly Operation[];
  readonly changes: readonly BatchChange[];
  readonly estimateMs: number;
  readonly timeoutMs: number;
  /** The router takes it back unless it is confirmed within so many minutes; absent: it stays. */
  readonly confirmMinutes?: number | undefined;
}

/** A batch whose request may have been sent and whose end is not known. */
export interface OpenBatch {
  readonly id: string;
  readonly epoch: bigint;
  readonly changes: readonly BatchChange[];
  readonly estimateMs: number;
  /** Since it was sent the last time, by the database's clock. */
  readonly ageMs: number;
  /** What was noted when it was about to be sent again; empty: nothing, or it was sent once. */
  readonly note: string;
  /** Within so many minutes after it was made the router wanted it confirmed; undefined: that was not noted, or it stays. */
  readonly confirmMinutes: number | undefined;
}

export type BatchEnd = 'applied' | 'refused' | 'not_applied' | 'settled_by_read';

/** How a batch ended, for its row. */
export interface EndedBatch {
  readonly id: string;
  readonly state: BatchEnd;
  readonly outcome: string;
  readonly durationMs?: number;
}

/** Paths that become a resource's without a change on the router. */
export interface AdoptedPaths {
  readonly resourceId: string;
  readonly keys: readonly string[];
}

/** What is recorded together: verdicts with the state they speak of. Every part may be empty. */
export interface Settlement {
  readonly batch?: EndedBatch;
  readonly applied?: readonly AppliedChange[];
  readonly rejected?: readonly RejectedChange[];
  /** Not judged yet, but parts of what they want were live, or may have been. */
  readonly stood?: readonly string[];
  /** Path keys of which nothing shall stand any more. They stay ours until that is saved: a reboot would bring them back. */
  readonly released?: readonly string[];
  /** Paths that others made and that are a resource's from now on: what stands there is what it wants. */
  readonly adopted?: readonly AdoptedPaths[];
  /** Path keys that were claimed and are not ours after all. */
  readonly unclaimed?: readonly string[];
  /** Resources of which some path had drifted, and that stand as they shall now. */
  readonly mended?: readonly MendedResource[];
  /** The running configuration changed, or may have. */
  readonly changedRunning?: boolean;
  readonly costModel?: CostModel;
  /** What was read of the batch's resources after it, where that was needed to know; one that has nothing there is absent. For the history. */
  readonly standing?: ReadonlyMap<string, OwnedContent>;
}

/** Whether the router must save after this, which counts as a commit. What was released may be in its saved configuration. */
export const mustBeSaved = ({ changedRunning, released }: Settlement): boolean =>
  changedRunning === true || (released !== undefined && released.length > 0);

/** What a complete reading of the router told. */
export interface Look {
  readonly version: string;
  readonly profile: RouterProfile;
  readonly costMs: number;
  readonly inventoryHash: string;
  /** Given when the inventory differs from the stored one: it becomes the newest, under a new number. */
  readonly holdings?: readonly ForeignHolding[];
  /** What others made and could be adopted. */
  readonly adoptable: readonly AdoptableObject[];
  /** Released path keys at which something stands again, as after a reboot: no save makes them nobody's before they are gone once more. */
  readonly back: readonly string[];
  /** Released path keys at which somebody else has made something: they are not ours any more. */
  readonly lost: readonly string[];
  /** Owned paths that the router gave another name, as an upgrade does. */
  readonly renamed: readonly RenamedPath[];
}

/** What a reading showed, as far as it may differ from what the history has last. */
export interface SeenLines {
  readonly lines: readonly ConfigLine[];
  /** The resources of which `lines` are all that stands (others' count as the empty one); undefined: of everybody. */
  readonly completeFor: readonly string[] | undefined;
  /** What is to be said of the router's upgrade, when it was upgraded since the last look. What stands otherwise is its doing, but for `differing`. */
  readonly upgrade?: string | undefined;
  /** The resources that do not stand as they are applied. */
  readonly differing: ReadonlySet<string>;
}

/** How the router stands, to be told to all. */
export interface Standing {
  readonly state: RouterState;
  readonly reason: string;
  /** Undefined while it answers. */
  readonly retryAfterMs?: number;
}

/**
 * One router's part of the driver's schema, as its lease holder sees it. Every write is one transaction that first asserts the holder's epoch,
 * and throws LeaseLost when another one has begun.
 */
export interface RouterLedger extends DriftLedger {
  /** The name of the file that somebody asked first to have saved; undefined when nobody waits for one. */
  fileAsked(): Promise<string | undefined>;
  /** Records how that ended: `message` empty, and the router wrote it. */
  recordFile(name: string, message: string): Promise<void>;
  load(): Promise<RouterRecord>;
  openBatch(): Promise<OpenBatch | undefined>;
  /** At most `limit` waiting changes, groups in turns, oldest first within a group; and how many wait in all, counted up to five times as many. */
  waiting(limit: number): Promise<{ changes: readonly WaitingChange[]; total: number }>;
  /** Every resource that is applied or owns a path. */
  ownedResources(): Promise<readonly OwnedResource[]>;
  /** Every owned path, released ones included. */
  ownedPaths(): Promise<readonly OwnedPath[]>;
  /**
   * Records the batch as `sending` and its new paths as owned, before anything is sent. Throws when a path is somebody else's. Records
   * nothing when changes of it were withdrawn meanwhile: gives back their resources.
   */
  writeAhead(batch: NewBatch): Promise<readonly string[]>;
  /** The batch is about to be sent once more: the barrier behind it counts from now. `note` is for who settles it. */
  noteSendingAgain(batchId: string, note: string): Promise<void>;
  /**
   * Gives back the released paths with what may come back there. Throws ChangesWithdrawn, and records nothing, when no batch began with what was
   * applied and some of it was settled meanwhile.
   */
  settle(settlement: Settlement): Promise<readonly ReleasedPath[]>;
  /** Records what was read; tells all when version, profile or inventory changed. */
  recordLook(look: Look): Promise<void>;
  /** Enters into the history what differs from its newest state. */
  recordSeen(seen: SeenLines): Promise<void>;
  /** All commits up to this count are saved; what was released by then is nobody's. */
  recordSaved(appliedCount: bigint): Promise<void>;
  /** Tells all how the router stands. */
  tell(standing: Standing): Promise<void>;
}
