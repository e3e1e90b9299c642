import { type ConfigPath, type ConfigTree, pathOfKey } from '../config-tree.ts';
import { type ConfigNode, childOf, isTree } from '../normal-tree.ts';

/** What others have in the parts of the configuration where Berth has something too. Holds no secrets: keys and passwords stand elsewhere. */
export function foreignConfig(config: ConfigTree, ownedKeys: Iterable<string>): ConfigTree {
  const owned = new OwnedTree();
  for (const key of ownedKeys) owned.add(pathOfKey(key));
  const parts: ConfigTree = {
    nat: childOf(config, 'nat') ?? {},
    service: { 'dhcp-server': childOf(childOf(config, 'service'), 'dhcp-server') ?? {} },
  };
  const rest = owned.without(parts);
  return isTree(rest) ? rest : {};
}

/** Owned paths as a tree, so that a configuration is gone through once however many there are. */
class OwnedTree {
  readonly #children = new Map<string, OwnedTree>();
  #isOwned = false;

  add([name, ...rest]: ConfigPath): void {
    if (name === undefined) {
      this.#isOwned = true;
      return;
    }
    const child = this.#children.get(name) ?? new OwnedTree();
    this.#children.set(name, child);
    child.add(rest);
  }

  /** The node without what is owned in it; undefined when it is owned itself. */
  without(node: ConfigNode): ConfigNode | undefined {
    if (this.#isOwned) return undefined;
    if (!isTree(node) || this.#children.size === 0) return node;
    const kept = Object.entries(node).flatMap(([name, child]): [string, ConfigNode][] => {
      const owned = this.#children.get(name);
      const rest = owned === undefined ? child : owned.without(child);
      return rest === undefined ? [] : [[name, rest]];
    });
    return Object.fromEntries(kept);
  }
}
