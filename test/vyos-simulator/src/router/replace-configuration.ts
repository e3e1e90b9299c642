import { Branch, equalNodes, sortedNames } from '../domain/config-tree.ts';
import type { EditSession } from '../domain/edit-session.ts';
import { pathsOf } from './tree-paths.ts';

/** Makes the running tree the wanted one, leaving alone the top-level nodes that are the same. Throws RefusedEdit. */
export function replaceAll(session: EditSession, running: Branch, wanted: Branch): void {
  for (const name of new Set([...sortedNames(running), ...sortedNames(wanted)])) {
    const node = wanted.children.get(name);
    if (equalNodes(running.children.get(name), node)) continue;
    session.delete([name]);
    for (const path of node instanceof Branch ? pathsOf(node, [name]) : []) session.set(path);
  }
}
