import type { Path } from '../domain/config-tree.ts';
import { pathExists } from '../domain/config-tree.ts';
import { type EditSession, type NetChange, RefusedEdit } from '../domain/edit-session.ts';
import { type Fault, matches } from '../domain/faults.ts';
import { type Answer, internalError, LOCKED_TEXT, refused, success, unknownOperation } from './answer.ts';
import { ConfirmedCommit } from './commit-confirm.ts';
import type { Edit } from './configuration-store.ts';
import type { RouterState } from './router-state.ts';

/** The share of a commit's time, at its end, in which reads get "_show_diff error" instead of a 500. */
const CLOSING_SHARE = 0.05;

type Outcome =
  | { readonly kind: 'refused'; readonly text: string; readonly edits: number }
  | { readonly kind: 'ready'; readonly changes: readonly NetChange[] };

export type EditOptions = {
  /** Holds the lock so much longer, in real milliseconds, before it begins. */
  readonly lateByMs?: number;
  /** The commit is taken back unless it is confirmed in so many minutes; 0: not so. */
  readonly confirmMinutes?: number;
};

/** `/configure`: applies the edits to the session, one after the other, and commits. Waits for earlier writes to end. */
export function editConfiguration(
  router: RouterState,
  endpoint: string,
  edits: readonly Edit[],
  { lateByMs = 0, confirmMinutes = 0 }: EditOptions = {},
): Promise<Answer> {
  return router.queue.run(async () => {
    const boot = router.boot;
    if (lateByMs > 0) await router.clock.sleep(lateByMs);
    if (router.boot !== boot) return { kind: 'cut' };
    if (router.sessionIsLost) return internalError;
    const paths = edits.map(({ path }) => path);
    const setFault = router.faults.strike(['refuse_set'], endpoint, paths);
    const confirm = new ConfirmedCommit(router, confirmMinutes);
    if (!router.latency.isInstant) {
      const early = await passTime(router, edits, setFault, confirm);
      if (early !== undefined) return early;
      if (router.boot !== boot) return { kind: 'cut' };
    }
    return execute(router, endpoint, edits, setFault, confirm);
  });
}

/**
 * Lives through the time that the edits and the commit take; readers meanwhile see a write in progress. Answers when the
 * outcome is known without committing: edits are judged when they are made, the lock when the commit begins.
 */
async function passTime(
  router: RouterState,
  edits: readonly Edit[],
  setFault: Fault | undefined,
  confirm: ConfirmedCommit,
): Promise<Answer | undefined> {
  const { latency, clock } = router;
  const rules = router.store.size.rules;
  const session = router.store.startSession();
  const outcome = applyEdits(router, session, edits, setFault);
  const created = session.createdPaths();
  session.undo();
  const done = outcome.kind === 'refused' ? outcome.edits : edits.length;
  const editing = edits.slice(0, done).reduce((sum, { op, path }) => sum + latency.ofEdit(op, path), 0);
  const base = latency.of('noopMs', rules);
  if (outcome.kind === 'refused') {
    await clock.sleep(base / 2 + editing);
    rememberRefusedNodes(router, created);
    return refuse(router, outcome.text);
  }
  if (outcome.changes.length === 0) {
    await clock.sleep(base + editing);
    return undefined;
  }
  router.writing = { paths: outcome.changes.map(({ path }) => path), closing: false };
  try {
    await clock.sleep(base + editing);
    const refusal = confirm.beforeCommit();
    if (refusal !== undefined) return refusal;
    if (isLocked(router)) return refuse(router, LOCKED_TEXT);
    const committing = latency.of('commitMs', rules);
    await clock.sleep(committing * (1 - CLOSING_SHARE));
    router.writing.closing = true;
    await clock.sleep(committing * CLOSING_SHARE);
    return undefined;
  } finally {
    router.writing = undefined;
  }
}

export const isLocked = (router: RouterState): boolean => router.clock.now() < router.lockedUntil;

/** Applies and commits in one go, so that nobody sees an intermediate state. */
function execute(
  router: RouterState,
  endpoint: string,
  edits: readonly Edit[],
  setFault: Fault | undefined,
  confirm: ConfirmedCommit,
): Answer {
  const session = router.store.startSession();
  const outcome = applyEdits(router, session, edits, setFault);
  if (outcome.kind === 'refused') {
    rememberRefusedNodes(router, session.createdPaths());
    session.undo();
    return refuse(router, outcome.text);
  }
  const refusal = confirm.beforeCommit();
  if (refusal !== undefined) {
    session.undo();
    return refusal;
  }
  if (outcome.changes.length === 0) {
    router.counters.empty_configures += 1;
    return confirm.afterCommit() ?? written(router, confirm.output(''));
  }
  if (isLocked(router)) {
    session.undo();
    return refuse(router, LOCKED_TEXT);
  }
  return commitSession(router, endpoint, session, outcome.changes, edits, confirm);
}

/** Commits what is in the session, counts it, and words the answer. */
export function commitSession(
  router: RouterState,
  endpoint: string,
  session: EditSession,
  changes: readonly NetChange[],
  edits: readonly Edit[],
  confirm: ConfirmedCommit,
): Answer {
  router.counters.commits += 1;
  const fault = router.faults.strike(
    ['refuse_commit'],
    endpoint,
    edits.map(({ path }) => path),
  );
  const text = fault?.text ?? 'Refused by the simulator';
  const isHit = (owner: Path): boolean => edits.some(({ path }) => isBelow(path, owner) && matches(fault?.match, path));
  const result = router.store.commit(session, changes, (owner) =>
    fault !== undefined && isHit(owner) ? text : undefined,
  );
  const has = (...owner: string[]): boolean => result.committed.some((one) => one.owner.join(' ') === owner.join(' '));
  if (has('service', 'dhcp-server')) router.counters.dhcp_restarts += 1;
  if (has('service', 'https')) router.restartApi(router.latency.of('httpsRestartMs'));
  if (result.failed.length > 0) return refuse(router, result.output);
  return confirm.afterCommit() ?? written(router, confirm.output(result.output));
}

/** The answer to a write that succeeded: what its data is differs between versions. */
export function written({ profile }: RouterState, output: string): Answer {
  if (profile.successData === 'null') return success();
  return success(output === '' && profile.successData === 'warnings' ? null : output);
}

const isBelow = (path: Path, owner: Path): boolean => owner.every((name, at) => path[at] === name);

function refuse(router: RouterState, text: string): Answer {
  router.counters.refused += 1;
  return refused(text);
}

/** Runs the edits until one is refused. What they changed on balance is in the outcome. */
function applyEdits(
  router: RouterState,
  session: EditSession,
  edits: readonly Edit[],
  setFault: Fault | undefined,
): Outcome {
  const strict = pathExists(router.store.running, router.profile.strictPath);
  for (const [at, edit] of edits.entries()) {
    try {
      if (setFault !== undefined && matches(setFault.match, edit.path)) {
        throw new RefusedEdit(`${setFault.text ?? 'Refused by the simulator'}\n\nSet failed\n`);
      }
      applyEdit(router, session, edit, strict);
    } catch (error) {
      if (error instanceof RefusedEdit) return { kind: 'refused', text: error.message, edits: at + 1 };
      throw error;
    }
  }
  return { kind: 'ready', changes: session.netChanges() };
}

function applyEdit(router: RouterState, session: EditSession, edit: Edit, strict: boolean): void {
  switch (edit.op) {
    case 'set': {
      session.set(edit.path);
      throwWhileSpellLasts(router, edit.path);
      return;
    }
    case 'delete':
      if (strict && !pathExists(router.store.running, edit.path)) {
        throw new RefusedEdit(`Cannot delete [${edit.path.join(' ')}]: path/value does not exist`);
      }
      session.delete(edit.path);
      return;
    case 'comment':
      session.comment(edit.path, edit.comment ?? '');
      return;
    default:
      throw new RefusedEdit(unknownOperation(router.profile, edit.op));
  }
}

/** vyos-observed, "Concurrency": for about half a second after a refused batch its new nodes cannot be set again. */
function throwWhileSpellLasts(router: RouterState, path: Path): void {
  const { until, paths } = router.refusedNodes;
  if (paths.size === 0 || router.clock.now() >= until) return;
  if (path.some((_, at) => paths.has(path.slice(0, at + 1).join('\0')))) throw new RefusedEdit('Set failed\n');
}

function rememberRefusedNodes(router: RouterState, created: readonly Path[]): void {
  const spell = router.latency.of('refusalSpellMs');
  if (spell <= 0) return;
  const paths = new Set(created.map((path) => path.join('\0')));
  if (paths.size > 0) router.refusedNodes = { until: router.clock.now() + spell, paths };
}
