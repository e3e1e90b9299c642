import { type Branch, cloneBranch, equalNodes } from '../domain/config-tree.ts';
import { type EditSession, RefusedEdit } from '../domain/edit-session.ts';
import { migrated } from '../profile/migrate.ts';
import { type Answer, internalError, locked, refused, success } from './answer.ts';
import { ConfirmedCommit } from './commit-confirm.ts';
import { commitSession, isLocked, written } from './edit-configuration.ts';
import { replaceAll } from './replace-configuration.ts';
import type { RouterState } from './router-state.ts';
import { pathsOf } from './tree-paths.ts';

const BOOT_FILE = '/config/config.boot';

/** `/config-file save`: the running configuration becomes the saved one, or is written to a file. */
export function saveConfiguration(router: RouterState, file: string | undefined): Promise<Answer> {
  return router.profile.filesWait === 'loads only'
    ? saveNow(router, file)
    : router.fileQueue.run(() => saveNow(router, file));
}

async function saveNow(router: RouterState, file: string | undefined): Promise<Answer> {
  if (router.sessionIsLost) return internalError;
  const { boot } = router;
  await router.clock.sleep(router.latency.of('saveMs', router.store.size.rules));
  if (router.boot !== boot) return { kind: 'cut' };
  if (file === undefined || file === BOOT_FILE) {
    router.store.save();
    await router.onSave();
  } else router.files.set(file, { config: cloneBranch(router.store.running), writtenBy: router.profile.name });
  router.counters.saves += 1;
  return success(router.profile.savedText(file ?? BOOT_FILE));
}

export type FileToCommit = {
  readonly op: 'load' | 'merge';
  readonly file: string;
  /** 0: without commit-confirm. */
  readonly confirmMinutes: number;
};

/**
 * `/config-file load` replaces the running configuration by a file that was saved before, `merge` adds what is in it,
 * and both commit. What fails is undone here; on a router its edits stay in the shared session.
 */
export function commitFile(router: RouterState, { op, file, confirmMinutes }: FileToCommit): Promise<Answer> {
  return router.fileQueue.run(async () => {
    if (router.sessionIsLost) return internalError;
    const content = contentOf(router, file);
    if (content === undefined) return refused(`No such file '${file}'\n`);
    const { boot } = router;
    await router.clock.sleep(router.latency.of('noopMs', router.store.size.rules));
    if (router.boot !== boot) return { kind: 'cut' };
    if (isLocked(router)) return locked;
    const confirm = new ConfirmedCommit(router, confirmMinutes);
    const session = router.store.startSession();
    try {
      if (op === 'load') replaceAll(session, router.store.running, content);
      else addAll(session, router.store.running, content);
    } catch (error) {
      session.undo();
      if (error instanceof RefusedEdit) return refused(error.message);
      throw error;
    }
    return commitEdits(router, session, confirm);
  });
}

/** A file of an older version is migrated when it is read. */
function contentOf(router: RouterState, file: string): Branch | undefined {
  if (file === BOOT_FILE) return router.store.saved;
  const kept = router.files.get(file);
  return kept && migrated(kept.config, kept.writtenBy, router.profile.name);
}

function commitEdits(router: RouterState, session: EditSession, confirm: ConfirmedCommit): Answer {
  const early = confirm.beforeCommit();
  if (early !== undefined) {
    session.undo();
    return early;
  }
  const changes = session.netChanges();
  if (changes.length > 0) return commitSession(router, '/config-file', session, changes, [], confirm);
  return confirm.afterCommit() ?? written(router, confirm.output(''));
}

/** Sets everything that the file has, but for the top-level nodes that are the same. */
function addAll(session: EditSession, running: Branch, added: Branch): void {
  for (const path of pathsOf(added)) {
    const name = path[0] ?? '';
    if (!equalNodes(running.children.get(name), added.children.get(name))) session.set(path);
  }
}
