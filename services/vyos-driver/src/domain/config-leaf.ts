import type { ConfigPath, ConfigTree } from './config-tree.ts';
import { type ConfigNode, isTree, valuesOf } from './normal-tree.ts';

/** A leaf that Berth itself has no use for, and keeps as people wrote it. `path`: below its mapping or rule. No values: a leaf without one. */
export interface ConfigLeaf {
  readonly path: ConfigPath;
  readonly values: readonly string[];
}

/** Every leaf of `node`, in order; containers and tags with nothing in them count as leaves without a value. */
export function leavesIn(node: ConfigNode, path: ConfigPath = []): readonly ConfigLeaf[] {
  if (!isTree(node)) return [{ path, values: valuesOf(node) }];
  const children = Object.entries(node);
  if (children.length === 0) return [{ path, values: [] }];
  return children.flatMap(([name, child]) => leavesIn(child, [...path, name]));
}

/** `tree` with these leaves besides. What it says itself stays. */
export const withLeaves = (tree: ConfigTree, leaves: readonly ConfigLeaf[] = []): ConfigTree =>
  leaves.reduce((all, { path, values }) => withLeaf(all, path, values), tree);

function withLeaf(tree: ConfigTree, [name, ...rest]: ConfigPath, values: readonly string[]): ConfigTree {
  if (name === undefined) return tree;
  const before = Object.hasOwn(tree, name) ? tree[name] : undefined;
  if (rest.length > 0) {
    const inner = withLeaf(isTree(before) ? before : {}, rest, values);
    return before === undefined || isTree(before) ? { ...tree, [name]: inner } : tree;
  }
  return before === undefined ? { ...tree, [name]: values.length === 0 ? {} : values } : tree;
}
