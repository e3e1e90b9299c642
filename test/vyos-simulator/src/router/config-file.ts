import { Branch, cloneBranch, equalNodes, sortedNames } from '../domain/config-tree.ts';
import { type EditSession, RefusedEdit } from '../domain/edit-session.ts';
import { type Answer, internalError, locked, refused, success } from './answer.ts';
import { commitSession, isLocked, written } from './edit-configuration.ts';
import type { RouterState } from './router-state.ts';
import { pathsOf } from './tree-paths.ts';

const BOOT_FILE = '/config/config.boot';

/** `/config-file save`: the running configuration becomes the saved one, or is written to a file. */
export async function saveConfiguration(router: RouterState, file: string | undefined): Promise<Answer> {
  if (router.sessionIsLost) return internalError;
  await router.clock.sleep(router.latency.of('saveMs', router.store.size.rules));
  if (file === undefined || file === BOOT_FILE) {
    router.store.save();
    await router.onSave();
  } else router.files.set(file, cloneBranch(router.store.running));
  router.counters.saves += 1;
  return success(router.profile.savedText(file ?? BOOT_FILE));
}

/**
 * `/config-file load`: replaces the running configuration by a file that was saved before, and commits. A load that
 * fails is undone here; on a router its edits stay in the shared session.
 */
export function loadConfiguration(router: RouterState, file: string): Promise<Answer> {
  return router.queue.run(async () => {
    if (router.sessionIsLost) return internalError;
    const wanted = file === BOOT_FILE ? router.store.saved : router.files.get(file);
    if (wanted === undefined) return refused(`No such file '${file}'\n`);
    const { boot } = router;
    await router.clock.sleep(router.latency.of('noopMs', router.store.size.rules));
    if (router.boot !== boot) return { kind: 'cut' };
    if (isLocked(router)) return locked;
    const session = router.store.startSession();
    try {
      replaceAll(session, router.store.running, wanted);
    } catch (error) {
      session.undo();
      if (error instanceof RefusedEdit) return refused(error.message);
      throw error;
    }
    const changes = session.netChanges();
    return changes.length === 0 ? written(router, '') : commitSession(router, '/config-file', session, changes, []);
  });
}

/** Makes the running tree the wanted one, leaving alone the top-level nodes that are the same. */
function replaceAll(session: EditSession, running: Branch, wanted: Branch): void {
  for (const name of new Set([...sortedNames(running), ...sortedNames(wanted)])) {
    const node = wanted.children.get(name);
    if (equalNodes(running.children.get(name), node)) continue;
    session.delete([name]);
    for (const path of node instanceof Branch ? pathsOf(node, [name]) : []) session.set(path);
  }
}
