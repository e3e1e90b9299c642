import { type Branch, Leaf, type Path, sortedChildren } from '../domain/config-tree.ts';

/** Every path that has to be set to make this tree: values, value-less leaves and empty nodes. */
export function pathsOf(branch: Branch, prefix: Path = []): Path[] {
  return sortedChildren(branch).flatMap(([name, node]) => {
    const path = [...prefix, name];
    if (node instanceof Leaf) return node.values.length === 0 ? [path] : node.values.map((value) => [...path, value]);
    return node.children.size === 0 ? [path] : pathsOf(node, path);
  });
}
