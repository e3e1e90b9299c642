import type { CommitConfirm } from '../../domain/batches/commit-confirm.ts';
import { type CostModel, initialCostModel } from '../../domain/batches/cost-model.ts';
import type { Fragment } from '../../domain/changes/fragment.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import { type Dialect, dialectFor } from '../../domain/dialects/dialect.ts';
import { mendedContent } from '../../domain/drift/drift.ts';
import { foreignConfig } from '../../domain/inventory/foreign-config.ts';
import type { RouterPlace } from '../../domain/inventory/inventory.ts';
import type { UnconfirmedCommit } from '../batches/confirm-batch.ts';
import { pause } from '../bell.ts';
import type { DriftRequests } from '../drift/drift-book.ts';
import { type OwnedPath, OwnedPaths } from '../owned-paths.ts';
import { LeaseLost, mustBeSaved, type RouterRecord, type Settlement, type Standing } from '../router-ledger.ts';
import type { Condemned, Ground, LastLook, LastSeen, Trouble } from './session-knowledge.ts';
import type { SessionParts } from './session-parts.ts';

/** One epoch of one router: all that its holder knows beyond the ledger. Dies with the lease; the next holder starts from ledger and router. */
export class RouterSession {
  readonly parts: SessionParts;
  readonly owned: OwnedPaths;
  /** Aborts when the session must end: asked to stop, or lease lost. */
  readonly over: AbortSignal;

  version: string;
  place: RouterPlace | undefined;
  dialect: Dialect | undefined;
  /** As of the last look, also of a holder before us. */
  commitConfirm: CommitConfirm | undefined;
  /** It took a time to confirm in and started no timer. */
  ignoresConfirm = false;
  /** A commit of this session that was made and not confirmed. */
  unconfirmed: UnconfirmedCommit | undefined;
  /** Says so after the router took a commit back, until the next one is applied. */
  reverted: string | undefined;
  inventoryHash: string;
  costModel: CostModel;
  appliedCount: bigint;
  savedCount: bigint;
  told: Standing & { readonly at: number };

  /** Undefined while what stands is not known: nothing is written before it has been read. */
  ground: Ground | undefined;
  /** Whether the next look repairs whatever it finds: after a take-over, an outage, a reboot; not when a person edits beside us. */
  repairAll = true;
  /** Resources whose differences are ours to undo whatever the next look is for. */
  readonly toRepair = new Set<string>();
  /** Checks that were asked for when that was looked up last: a reading that begins afterwards answers them. */
  driftRequests: DriftRequests = { asked: 0n, repairAsked: 0n, answered: 0n };
  /** The last turn was a reading that somebody had asked for. */
  checkedLast = false;
  /** The router's words when it refused to have a resource repaired. */
  readonly repairRefusals = new Map<string, string>();
  /** What the last reading that was believed showed, as a digest: another one that shows the same is believed at once. */
  lastShown: string | undefined;
  /** The differences that were reported last, so that each is reported once. */
  reported = '';
  look: LastLook | undefined;
  /** Undefined until the first look of the session has been entered into the history. */
  lastSeen: LastSeen | undefined;
  /** What the history is to say of the upgrade since the last look. */
  upgrade: string | undefined;
  /** Whether the operator's settings were compared with the router in this session. */
  placeChecked = false;
  /** A batch row may be open: it is settled before anything else. */
  openBatch = true;
  away: Trouble | undefined;
  /** Outages in a row: they end when the router was read, not when it answered something. */
  outages = 0;
  unknown: Trouble | undefined;
  blocked: Trouble | undefined;
  /** What came instead of an answer to the last commit that had none. */
  unansweredText = '';
  /** Commits in a row that nobody answered and of which nothing landed, on a router that answers everything else. */
  unanswered: { readonly text: string; readonly tries: number } | undefined;
  /** Says so while somebody else holds the router's lock for long. */
  locked: string | undefined;
  lockedSince: number | undefined;
  /** Changes of the current epoch that the router refused, by resource. */
  readonly condemned = new Map<string, Condemned>();
  /** Repairs that the router refused, and until when they rest. */
  readonly repairsResting = new Map<string, number>();
  /** No request before this moment: the spell after a refusal, the pause after a batch. */
  notBefore = 0;
  lastRefusalAt = Number.NEGATIVE_INFINITY;
  lastAnswerAt: number;
  /** How long the last probe took: on a large configuration even that is work for the router. */
  lastProbeMs = 0;
  /** How long the last confirmation took. */
  lastConfirmMs = 0;
  lastDriftLookAt: number;
  unsavedSince: number | undefined;
  saveTrouble: Trouble | undefined;
  /** So many of the router's `drops` are accounted for. */
  dropsSeen: number;
  /** Drops in a row of which nothing was lost by the time of the next. */
  harmlessDrops = 0;

  /** Of fragments that were asked about: sorting, choosing and planning ask for the same. */
  #contents: { readonly dialect: Dialect | undefined; readonly known: WeakMap<Fragment, OwnedContent> } = {
    dialect: undefined,
    known: new WeakMap(),
  };

  constructor(parts: SessionParts, record: RouterRecord, paths: Iterable<OwnedPath>) {
    this.parts = parts;
    this.owned = new OwnedPaths(paths);
    this.over = AbortSignal.any([parts.stopping, parts.lease.lost]);
    this.version = record.version;
    this.dialect = dialectFor(record.version);
    this.place = record.place;
    this.commitConfirm = record.commitConfirm;
    this.inventoryHash = record.inventoryHash;
    this.costModel = record.costModel ?? initialCostModel;
    this.appliedCount = record.appliedCount;
    this.savedCount = record.savedCount;
    this.dropsSeen = parts.router.drops;
    this.lastAnswerAt = this.now();
    this.lastDriftLookAt = this.now();
    this.told = { state: record.state, reason: record.reason, at: this.now() };
    if (record.appliedCount > record.savedCount) this.unsavedSince = this.now();
    // A take-over changes nothing about the router: what it was before, it is until reconciliation or a commit shows otherwise.
    if (record.state === 'unknown') this.unknown = { text: record.reason, tries: 1, retryAt: 0 };
    if (record.state === 'blocked') this.blocked = { text: record.reason, tries: 1, retryAt: 0 };
  }

  /** On the worker's clock, in milliseconds. All moments of a session are. */
  now(): number {
    return this.parts.clock.now();
  }

  /** Waits; ends early when the session is over. */
  pause(ms: number): Promise<void> {
    return pause(ms, this.over, this.parts.clock);
  }

  contentOf(fragment: Fragment): OwnedContent {
    if (this.dialect === undefined) throw new Error('the router was not read yet');
    if (this.#contents.dialect !== this.dialect) this.#contents = { dialect: this.dialect, known: new WeakMap() };
    const { known } = this.#contents;
    const content = known.get(fragment) ?? this.dialect.contentOf(fragment);
    known.set(fragment, content);
    return content;
  }

  /** What stands on the router of a resource whose applied fragment is `applied`. Only while the ground is known. */
  standingOf(resourceId: string, applied: Fragment): OwnedContent {
    return this.ground?.differences.get(resourceId)?.standing ?? this.contentOf(applied);
  }

  /** What undoing the resource's difference, except for what is kept, comes to. Only while the ground is known. */
  mendedOf(resourceId: string, applied: Fragment): OwnedContent {
    const content = this.contentOf(applied);
    const difference = this.ground?.differences.get(resourceId);
    return difference === undefined ? content : mendedContent(content, difference.standing, difference.kept);
  }

  /** The keys that a resource owns and that `content` does not have; released ones only when they may stand again. */
  superfluousKeys(resourceId: string, content: OwnedContent): string[] {
    const standing = this.ground?.differences.get(resourceId)?.standing;
    const mayStand = (key: string) => this.ground === undefined || standing?.has(key) === true;
    return [...this.owned.keysOf(resourceId)].filter(
      (key) => !content.has(key) && (!this.owned.isReleased(key) || mayStand(key)),
    );
  }

  /** Rules and mappings configured, ours and others'. */
  configuredSize(): number {
    return this.owned.size + (this.look?.foreignSize ?? 0);
  }

  /** What stands is not known any more. What our batches left is still to be undone, if the next reading shows it. */
  distrust(): void {
    for (const [id, { leftover }] of this.ground?.differences ?? []) if (leftover) this.toRepair.add(id);
    this.ground = undefined;
  }

  /** Called after every answer. An answer that comes after the lease was lost is not ours to act on. */
  noteAnswer(): void {
    this.parts.lease.throwIfLost();
    this.lastAnswerAt = this.now();
    this.away = undefined;
  }

  /** Records the settlement, and what follows from it for what this session knows. */
  async settle(settlement: Settlement): Promise<void> {
    const released = await this.parts.ledger.settle(settlement);
    if (mustBeSaved(settlement)) {
      this.appliedCount += 1n;
      this.unsavedSince ??= this.now();
    }
    for (const { resourceId, keys } of settlement.adopted ?? []) this.#adopt(resourceId, keys);
    this.owned.forget(settlement.unclaimed ?? []);
    this.owned.release(released, this.appliedCount);
    const { metrics, name } = this.parts;
    metrics.verdicts(name, 'applied', settlement.applied?.length ?? 0);
    metrics.verdicts(name, 'rejected', settlement.rejected?.length ?? 0);
    metrics.driftRepaired(name, settlement.mended?.filter(({ how }) => how === 'repair').length ?? 0);
  }

  /** What the last look showed as others' is the resource's. */
  #adopt(resourceId: string, keys: readonly string[]): void {
    this.owned.claim(resourceId, keys);
    if (this.look === undefined) return;
    const { foreign, foreignSize } = this.look;
    this.look = { ...this.look, foreign: foreignConfig(foreign, keys), foreignSize: foreignSize - keys.length };
  }

  /** Called when the router took what it had refused as locked, or had not. */
  noteUnlocked(): void {
    this.locked = undefined;
    this.lockedSince = undefined;
  }

  /** The router started no timer for a commit that was to be confirmed: none is expected to any more. */
  noteIgnoredConfirm(): void {
    this.ignoresConfirm = true;
    this.commitConfirm = undefined;
    this.lastDriftLookAt = Number.NEGATIVE_INFINITY; // the next look records it
    this.parts.log.warn({ router: this.parts.name }, 'router started no timer for a commit to be confirmed');
  }

  /** What every request is sent with. */
  call(timeoutMs: number): { timeoutMs: number; mayStillSend: () => boolean } {
    return { timeoutMs, mayStillSend: this.parts.lease.mayStillSend };
  }

  /** For an outcome that says that nothing was sent: throws when that was our own fence. */
  throwIfFenced(): void {
    if (!this.parts.lease.mayStillSend()) throw new LeaseLost(`router ${this.parts.name}: the lease is at its end`);
  }
}
