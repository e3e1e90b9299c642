import type { ConfigPath, ConfigTree } from '../config-tree.ts';
import { type ConfigNode, childOf, isTree, valuesOf } from '../normal-tree.ts';
import { type DriftKind, sameTree } from './drift.ts';

/** A node of others that is not as it was. */
export interface ForeignChange {
  readonly path: ConfigPath;
  readonly kind: DriftKind;
}

/** Below these names stand things with names of their own: a rule, a mapping, a network. They change as a whole. */
const ends: ReadonlySet<string> = new Set(['rule', 'static-mapping', 'range']);

/** What others changed between two readings of theirs (see `foreignConfig`): rules, mappings and ranges as wholes, other nodes at the highest that differs. */
export function foreignChanges(before: ConfigTree, after: ConfigTree): ForeignChange[] {
  const changes: ForeignChange[] = [];
  compare([], before, after, changes);
  return changes;
}

function compare(path: ConfigPath, before: ConfigTree, after: ConfigTree, changes: ForeignChange[]): void {
  for (const name of [...new Set([...Object.keys(before), ...Object.keys(after)])].sort()) {
    const [was, is] = [childOf(before, name), childOf(after, name)];
    const at = [...path, name];
    if (isTree(was) && isTree(is) && !ends.has(path.at(-1) ?? '')) compare(at, was, is, changes);
    else if (isTree(was) !== isTree(is) || !sameNode(was, is)) {
      changes.push({ path: at, kind: was === undefined ? 'added' : is === undefined ? 'deleted' : 'updated' });
    }
  }
}

function sameNode(was: ConfigNode | undefined, is: ConfigNode | undefined): boolean {
  if (isTree(was) && isTree(is)) return sameTree(was, is);
  return JSON.stringify([...valuesOf(was)].sort()) === JSON.stringify([...valuesOf(is)].sort());
}
