import type { ConfigPath, ConfigTree } from './config-tree.ts';

/** A node as it stands in the tree. */
export type ConfigNode = ConfigTree | string | readonly string[];

export const isTree = (node: ConfigNode | undefined): node is ConfigTree =>
  typeof node === 'object' && node !== null && !Array.isArray(node);

/** The child called `name`; never something that JavaScript objects have by themselves (a mapping may be called `constructor`). */
export const childOf = (node: ConfigNode | undefined, name: string): ConfigNode | undefined =>
  isTree(node) && Object.hasOwn(node, name) ? node[name] : undefined;

/** The node at `path`, if it is there. */
export const nodeAt = (config: ConfigTree, path: ConfigPath): ConfigNode | undefined =>
  path.reduce<ConfigNode | undefined>(childOf, config);

/** The content of the container or tag instance at `path`, if it is there. */
export function treeAt(config: ConfigTree, path: ConfigPath): ConfigTree | undefined {
  const node = nodeAt(config, path);
  return isTree(node) ? node : undefined;
}

/** The children of the container or tag node at `path`; none when it is not there. */
export const childrenAt = (config: ConfigTree, path: ConfigPath): readonly [string, ConfigNode][] =>
  Object.entries(treeAt(config, path) ?? {});

/** The values of a leaf: the router writes one value as a text and several as a list. */
export const valuesOf = (node: ConfigNode | undefined): readonly string[] => {
  if (node === undefined || isTree(node)) return [];
  return typeof node === 'string' ? [node] : node;
};

/** The value of a leaf that has exactly one or whose first is meant. */
export const firstValueOf = (node: ConfigNode | undefined): string | undefined => valuesOf(node)[0];

// The router drops leading blanks of a value when it is read back, and a value of nothing is as no value.
const normalValue = (value: string): string => value.replace(/^\s+/, '');

function normalNode(node: ConfigNode): ConfigNode | undefined {
  if (isTree(node)) {
    const tree = normalTree(node);
    // A container whose leaves have no values is not written; one that was empty to begin with may be a value-less leaf.
    return Object.keys(tree).length === 0 && Object.keys(node).length > 0 ? undefined : tree;
  }
  const values = [...new Set(valuesOf(node).map(normalValue))].filter((value) => value !== '').sort();
  return values.length > 1 ? values : values[0];
}

/**
 * `tree` in the one form in which two trees of the same meaning are equal: names and values sorted, leading blanks dropped, a list of
 * one value a text, leaves without a value left out. Value-less leaves (`{}`) stay.
 */
export function normalTree(tree: ConfigTree): ConfigTree {
  const children: [string, ConfigNode][] = [];
  for (const name of Object.keys(tree).sort()) {
    const child = normalNode(tree[name] ?? {});
    if (child !== undefined) children.push([name, child]);
  }
  return Object.fromEntries(children);
}
