/** How long the history of a router is kept. */
export interface HistorySettings {
  /** Entries that are older go. */
  readonly days: number;
  /** Of each router at most so many stay. */
  readonly commits: number;
}

/** Whatever the settings say, so many of the newest entries of a router stay. */
export const leastKept = 10;

/** Repeats of changes come from the stream and from outboxes, which keep 7 days; this is more than that. */
const verdictsKeptDays = 30;

/** Keeps routers' histories small and near. Every step may run on any replica, at any time, again. */
export interface HistoryKeeper {
  /** The routers that have a history. */
  routers(): Promise<readonly string[]>;
  /** Takes a snapshot of the newest state when it is due. */
  takeSnapshot(router: string): Promise<boolean>;
  /** Folds what is beyond the settings into a snapshot and drops it, some of it; false: nothing was left to drop. */
  fold(router: string, settings: HistorySettings): Promise<boolean>;
  /** Drops what was written ahead of requests and nobody can ask for any more, some of it; false: nothing was left. */
  dropBatches(router: string): Promise<boolean>;
  /** Drops verdicts of removed resources but the last of each, some of them; false: nothing was left. */
  dropVerdicts(days: number): Promise<boolean>;
}

/** One pass over everything, in small steps, until nothing is left to do or `over` aborts. */
export async function keepHistory(keeper: HistoryKeeper, settings: HistorySettings, over: AbortSignal): Promise<void> {
  const untilDone = async (step: () => Promise<boolean>) => {
    while (!over.aborted && (await step()));
  };
  for (const router of await keeper.routers()) {
    if (over.aborted) return;
    await untilDone(() => keeper.takeSnapshot(router));
    await untilDone(() => keeper.fold(router, settings));
    await untilDone(() => keeper.dropBatches(router));
  }
  await untilDone(() => keeper.dropVerdicts(verdictsKeptDays));
}
