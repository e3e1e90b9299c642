import { type Branch, cloneBranch, valueAt } from '../domain/config-tree.ts';
import { RefusedEdit } from '../domain/edit-session.ts';
import { type Answer, refused, success } from './answer.ts';
import { replaceAll } from './replace-configuration.ts';
import type { RouterState } from './router-state.ts';

/** A commit that is taken back when its time is over, and what that takes. */
export type PendingConfirm = {
  /** `reload`: back to the revision by a commit; `reboot`: back to what was saved. */
  readonly action: 'reload' | 'reboot';
  /** What was running before the commit; undefined where the router keeps no revisions (commit-revisions). */
  readonly revision: Branch | undefined;
};

const MINUTE_MS = 60_000;

/** A commit-confirm that was asked for, through one write. */
export class ConfirmedCommit {
  readonly #router: RouterState;
  readonly #minutes: number;
  readonly #revision: Branch | undefined;
  #begun: string | undefined;

  /** To be made before anything is changed: this is the revision that a reload goes back to. `minutes` 0: an ordinary commit. */
  constructor(router: RouterState, minutes: number) {
    this.#router = router;
    this.#minutes = router.profile.commitConfirm === undefined ? 0 : minutes;
    const keepsRevisions = valueAt(router.store.running, ...CONFIG_MANAGEMENT, 'commit-revisions') !== undefined;
    this.#revision = this.#minutes > 0 && keepsRevisions ? cloneBranch(router.store.running) : undefined;
  }

  /** Starts the timer where that comes before the commit. The refusal, if another confirm is pending; again: nothing. */
  beforeCommit(): Answer | undefined {
    return this.#router.profile.commitConfirm === 'before the commit' ? this.#begin() : undefined;
  }

  /** Starts the timer where that comes after the commit; by then a refusal takes nothing back. */
  afterCommit(): Answer | undefined {
    return this.#router.profile.commitConfirm === 'after the commit' ? this.#begin() : undefined;
  }

  /** The output of the commit with what the timer said, where each stands in the answer. */
  output(ofCommit: string): string {
    if (this.#begun === undefined) return ofCommit;
    return this.#router.profile.commitConfirm === 'before the commit'
      ? this.#begun + ofCommit
      : `${ofCommit}\n${this.#begun}`;
  }

  #begin(): Answer | undefined {
    if (this.#minutes <= 0 || this.#begun !== undefined) return undefined;
    const router = this.#router;
    if (router.pendingConfirm !== undefined) {
      router.counters.refused += 1;
      return refused('Another confirm is pending');
    }
    const wanted = valueAt(router.store.running, ...CONFIG_MANAGEMENT, 'commit-confirm', 'action');
    const action = wanted === 'reload' ? 'reload' : 'reboot';
    router.pendingConfirm = { action, revision: this.#revision };
    void revertLater(router, router.pendingConfirm, router.latency.scaled(this.#minutes * MINUTE_MS));
    this.#begun = `Initialized commit-confirm; ${this.#minutes} minutes to confirm before ${action}\n`;
    return undefined;
  }
}

const CONFIG_MANAGEMENT = ['system', 'config-management'] as const;

/** `{"op": "confirm"}`: what was committed stays. */
export function confirmCommit(router: RouterState): Answer {
  const pending = router.pendingConfirm;
  router.pendingConfirm = undefined;
  if (pending === undefined) return success('No confirm pending');
  return success(pending.action === 'reload' ? 'Reload timer stopped\n' : 'Reboot timer stopped\n');
}

async function revertLater(router: RouterState, pending: PendingConfirm, afterMs: number): Promise<void> {
  await router.clock.sleep(afterMs);
  if (router.pendingConfirm !== pending) return;
  router.pendingConfirm = undefined;
  if (pending.action === 'reload') return revertTo(router, pending.revision);
  router.counters.reverts += 1;
  router.onRestart(router.latency.scaled(MINUTE_MS));
}

/** Commits the revision again, all of it: what others committed since then is taken back too. */
function revertTo(router: RouterState, revision: Branch | undefined): void {
  if (revision === undefined) return;
  const session = router.store.startSession();
  try {
    replaceAll(session, router.store.running, revision);
  } catch (error) {
    session.undo();
    if (error instanceof RefusedEdit) return;
    throw error;
  }
  const changes = session.netChanges();
  router.counters.reverts += 1;
  if (changes.length === 0) return;
  const { committed } = router.store.commit(session, changes);
  // It is a commit of another session: writes of the API are refused for as long as it takes.
  const until = router.clock.now() + router.latency.of('commitMs', router.store.size.rules);
  router.lockedUntil = Math.max(router.lockedUntil, until);
  if (committed.some(({ owner }) => owner.join(' ') === 'service dhcp-server')) router.counters.dhcp_restarts += 1;
}
