import { Branch, branchAt, type ConfigNode, Leaf, sortedNames } from '../domain/config-tree.ts';

/** The branch at this path, made where it is not there. */
export function ensureBranch(root: Branch, ...path: string[]): Branch {
  return path.reduce((parent, name) => {
    const next = parent.children.get(name);
    const below = next instanceof Branch ? next : new Branch();
    parent.children.set(name, below);
    return below;
  }, root);
}

/** Takes the child off its parent; undefined when there is none. */
export function takeChild(parent: Branch | undefined, name: string): ConfigNode | undefined {
  const child = parent?.children.get(name);
  parent?.children.delete(name);
  return child;
}

/** Gives a child another name, perhaps below another parent. What is not there is left alone. */
export function moveChild(from: Branch | undefined, name: string, to: () => Branch, newName = name): void {
  const child = takeChild(from, name);
  if (child !== undefined) to().children.set(newName, child);
}

/** The branches below the one at this path, by name, in the order of the configuration. */
export function instancesAt(root: Branch | undefined, ...path: string[]): [name: string, branch: Branch][] {
  const tag = branchAt(root, ...path);
  return sortedNames(tag).flatMap((name): [string, Branch][] => {
    const branch = branchAt(tag, name);
    return branch === undefined ? [] : [[name, branch]];
  });
}

export const valueless = (): Leaf => new Leaf([]);
