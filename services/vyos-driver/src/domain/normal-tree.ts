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

/** Whether `tree` is its own normal form, so that nothing has to be made anew; for some that are, it says that they are not. */
function isNormal(tree: ConfigTree): boolean {
  let before = '';
  for (const name of Object.keys(tree)) {
    if (name < before) return false;
    before = name;
    const node = tree[name];
    if (typeof node === 'string') {
      const first = node.charCodeAt(0); // NaN for the empty one
      if (!(first > blank && first < beyondAscii)) return false;
    } else if (!isTree(node) || !isNormal(node)) return false;
  }
  return true;
}

const blank = 32;
const beyondAscii = 128;

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
 * one value a text, leaves without a value left out. Value-less leaves (`{}`) stay. A tree that is so already is given back itself.
 */
export function normalTree(tree: ConfigTree): ConfigTree {
  if (isNormal(tree)) return tree;
  const children: [string, ConfigNode][] = [];
  for (const name of Object.keys(tree).sort()) {
    const child = normalNode(tree[name] ?? {});
    if (child !== undefined) children.push([name, child]);
  }
  return Object.fromEntries(children);
}

/** Whether two nodes in normal form are the same. */
export function sameNode(a: ConfigNode | undefined, b: ConfigNode | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || typeof a === 'string' || typeof b === 'string') return false;
  if (!isTree(a) || !isTree(b)) {
    const [one, other] = [valuesOf(a), valuesOf(b)];
    return !isTree(a) && !isTree(b) && one.length === other.length && one.every((value, at) => value === other[at]);
  }
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => sameNode(a[name], childOf(b, name)));
}
