import type { Branch, Path } from '../domain/config-tree.ts';
import { type FaultBook, FaultBook as Faults } from '../domain/faults.ts';
import { Latency } from '../domain/latency.ts';
import { hardwareOf } from '../domain/system-view.ts';
import type { Profile, ProfileName } from '../profile/profile.ts';
import { BackgroundOperations } from './background-operations.ts';
import type { Clock } from './clock.ts';
import type { PendingConfirm } from './commit-confirm.ts';
import { ConfigurationStore } from './configuration-store.ts';
import { type Counts, noCounts } from './counters.ts';
import { WriteQueue } from './write-queue.ts';

/** A write in progress that readers can run into: what it changes, and whether its commit is about to end. */
export type WriteInProgress = { readonly paths: readonly Path[]; closing: boolean };

/** Everything that one simulated router is at a moment. The use cases beside this file work on it. */
export class RouterState {
  profile: Profile;
  readonly clock: Clock;
  store: ConfigurationStore;
  readonly faults: FaultBook = new Faults();
  readonly queue = new WriteQueue();
  /** What `/config-file` waits in. */
  fileQueue: WriteQueue;
  readonly counters: Counts = noCounts();
  readonly #hardware: ReadonlySet<string>;
  /** Files written with `/config-file save {file}`, by name, in the shapes of the version that wrote them. */
  readonly files = new Map<string, { readonly config: Branch; readonly writtenBy: ProfileName }>();
  operations: BackgroundOperations;
  latency = new Latency();
  writing: WriteInProgress | undefined;
  /** Until when the API process is away (clock time, ms). */
  awayUntil = 0;
  /** Until when another session holds the commit lock (clock time, ms). */
  lockedUntil = 0;
  /** Set by a session_lost fault: every write is a 500 until a reboot. */
  sessionIsLost = false;
  /** Nodes that a refused batch had made, and until when they cannot be made again. */
  refusedNodes: { readonly until: number; readonly paths: ReadonlySet<string> } = { until: 0, paths: new Set() };
  /** A commit that is taken back unless it is confirmed. */
  pendingConfirm: PendingConfirm | undefined;
  /** Requests to write endpoints that are not answered yet. */
  writesInFlight = 0;
  /** Set by a freeze: nothing is answered any more until a reboot. */
  isFrozen = false;
  /** Counts boots; a write that began before a reboot does not commit after it. */
  boot = 0;
  /** Called after each save, before it is answered. */
  onSave: () => Promise<void> = () => Promise.resolve();
  /** Restarts the router, which then is down so long; set by whoever holds its port. */
  onRestart: (downMs: number) => void = () => undefined;
  /** Ends the connections of requests that a fault lets hang. */
  readonly hanging = new Set<() => void>();

  constructor(profile: Profile, clock: Clock, config: Branch) {
    this.profile = profile;
    this.clock = clock;
    this.fileQueue = profile.filesWait === 'by themselves' ? new WriteQueue() : this.queue;
    this.operations = new BackgroundOperations(clock);
    this.#hardware = hardwareOf(config);
    this.store = new ConfigurationStore(profile, config, this.#hardware);
  }

  /** The API process ends and is back after so long; what it had in memory is gone. */
  restartApi(awayMs: number): void {
    this.awayUntil = this.clock.now() + awayMs;
    this.operations.end();
    this.operations = new BackgroundOperations(this.clock);
  }

  /** Starts on this configuration, as this version: what was running and saved before is gone. */
  startOn(profile: Profile, config: Branch): void {
    this.profile = profile;
    this.fileQueue = profile.filesWait === 'by themselves' ? new WriteQueue() : this.queue;
    this.store = new ConfigurationStore(profile, config, this.#hardware);
  }
}
