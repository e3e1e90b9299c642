import { cloneBranch, equalNodes, sortedNames } from '../domain/config-tree.ts';
import { type Answer, internalError, locked, refused, success } from './answer.ts';
import { commitSession, isLocked } from './edit-configuration.ts';
import type { RouterState } from './router-state.ts';
import { pathsOf } from './tree-paths.ts';

/** `/config-file save`: the running configuration becomes the saved one, or is written to a file. */
export async function saveConfiguration(router: RouterState, file: string | undefined): Promise<Answer> {
  if (router.sessionIsLost) return internalError;
  await router.clock.sleep(router.latency.of('saveMs', router.store.size.rules));
  if (file === undefined || file === '/config/config.boot') {
    router.store.save();
    await router.onSave();
  } else router.files.set(file, cloneBranch(router.store.running));
  router.counters.saves += 1;
  return success('');
}

/** `/config-file load`: replaces the running configuration by a file that was saved before, and commits. */
export function loadConfiguration(router: RouterState, file: string): Promise<Answer> {
  return router.queue.run(async () => {
    if (router.sessionIsLost) return internalError;
    const wanted = file === '/config/config.boot' ? cloneBranch(router.store.saved) : router.files.get(file);
    if (wanted === undefined) return refused(`No such file '${file}'\n`);
    await router.clock.sleep(router.latency.of('noopMs', router.store.size.rules));
    if (isLocked(router)) return locked;
    const session = router.store.startSession();
    const { running } = router.store;
    for (const name of new Set([...sortedNames(running), ...sortedNames(wanted)])) {
      if (equalNodes(running.children.get(name), wanted.children.get(name))) continue;
      if (running.children.has(name)) session.delete([name]);
    }
    for (const path of pathsOf(wanted)) session.set(path);
    const changes = session.netChanges();
    return changes.length === 0 ? success() : commitSession(router, '/config-file', session, changes, []);
  });
}
