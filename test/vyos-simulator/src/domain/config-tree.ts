import { compareNaturally } from './natural-order.ts';

/** A node below which there are others: a container, a tag node ("rule") or one of its instances ("rule 5"). */
export class Branch {
  readonly children = new Map<string, ConfigNode>();
  /** The text of a comment set on this node; only the `raw` format shows it. */
  comment: string | undefined;
}

/** A node that holds values. Never changed in place: a new leaf takes its slot. No values: a value-less leaf that is set. */
export class Leaf {
  readonly values: readonly string[];
  constructor(values: readonly string[]) {
    this.values = values;
  }
}

export type ConfigNode = Branch | Leaf;
export type Path = readonly string[];

export function nodeAt(root: Branch, path: Path): ConfigNode | undefined {
  let node: ConfigNode | undefined = root;
  for (const name of path) {
    if (!(node instanceof Branch)) return undefined;
    node = node.children.get(name);
  }
  return node;
}

/** True when the path names a node, or a node and one of its values. */
export function pathExists(root: Branch, path: Path): boolean {
  if (nodeAt(root, path) !== undefined) return true;
  const value = path.at(-1);
  const owner = nodeAt(root, path.slice(0, -1));
  return value !== undefined && owner instanceof Leaf && owner.values.includes(value);
}

export function branchAt(root: Branch | undefined, ...path: string[]): Branch | undefined {
  const node = root === undefined ? undefined : nodeAt(root, path);
  return node instanceof Branch ? node : undefined;
}

/** The values of the leaf at this path as they are read, or an empty list when nothing is set there. */
export function valuesAt(root: Branch | undefined, ...path: string[]): readonly string[] {
  const node = root === undefined ? undefined : nodeAt(root, path);
  return node instanceof Leaf ? node.values.map(asRead) : [];
}

/** The (first) value of the leaf at this path as it is read. */
export function valueAt(root: Branch | undefined, ...path: string[]): string | undefined {
  return valuesAt(root, ...path)[0];
}

/** Leading blanks of a value are dropped on reading; inner and trailing ones stay (vyos-observed, semantics). */
export function asRead(value: string): string {
  return value.replace(/^ +/, '');
}

export function sortedChildren(branch: Branch): [string, ConfigNode][] {
  return [...branch.children].sort(([left], [right]) => compareNaturally(left, right));
}

export function sortedNames(branch: Branch | undefined): string[] {
  return branch === undefined ? [] : [...branch.children.keys()].sort(compareNaturally);
}

export function equalNodes(left: ConfigNode | undefined, right: ConfigNode | undefined): boolean {
  if (left === right) return true;
  if (left instanceof Leaf && right instanceof Leaf) {
    return left.values.length === right.values.length && left.values.every((value, at) => value === right.values[at]);
  }
  if (left instanceof Branch && right instanceof Branch) {
    if (left.children.size !== right.children.size) return false;
    return [...left.children].every(([name, child]) => equalNodes(child, right.children.get(name)));
  }
  return false;
}

export function cloneNode(node: ConfigNode): ConfigNode {
  return node instanceof Leaf ? node : cloneBranch(node);
}

export function cloneBranch(branch: Branch): Branch {
  const copy = new Branch();
  copy.comment = branch.comment;
  for (const [name, child] of branch.children) copy.children.set(name, cloneNode(child));
  return copy;
}
