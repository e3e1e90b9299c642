import type { OwnedContent } from '../changes/plan.ts';
import { type ConfigPath, type ConfigTree, pathOfKey } from '../config-tree.ts';
import { childOf, firstValueOf, treeAt } from '../normal-tree.ts';

/** A path of ours that the router gave another name: its upgrade replaces the characters of mapping names that the new version does not take. */
export interface RenamedPath {
  readonly resourceId: string;
  readonly from: string;
  readonly to: string;
}

/** Which path is whose; see `OwnedPaths`. */
interface Ownership {
  ownerOf(key: string): string | undefined;
  keysOf(resourceId: string): Iterable<string>;
}

/**
 * The mappings that stand under another name than they were sent with. `expected`: what each resource is to have, as this version writes it. One
 * counts as ours when nobody owns the new path, nothing stands at the old one, both names look the same to an upgrade, and the MAC address is ours.
 */
export function renamedPaths(
  config: ConfigTree,
  expected: ReadonlyMap<string, OwnedContent>,
  owned: Ownership,
): readonly RenamedPath[] {
  const found: RenamedPath[] = [];
  for (const [resourceId, content] of expected) {
    for (const [to, tree] of content) {
      if (owned.ownerOf(to) !== undefined || found.some((one) => one.to === to)) continue;
      const standing = treeAt(config, pathOfKey(to));
      const mac = macOf(tree);
      if (standing === undefined || mac === undefined || macOf(standing) !== mac) continue;
      const before = [...owned.keysOf(resourceId)].find((key) => looksLike(key, to));
      if (before !== undefined && treeAt(config, pathOfKey(before)) === undefined)
        found.push({ resourceId, from: before, to });
    }
  }
  return found;
}

const macOf = (tree: ConfigTree): string | undefined =>
  firstValueOf(childOf(tree, 'mac') ?? childOf(tree, 'mac-address'))?.toLowerCase();

function looksLike(a: string, b: string): boolean {
  const [left, right] = [pathOfKey(a), pathOfKey(b)];
  const folded = (path: ConfigPath) => (path.at(-1) ?? '').replace(/[^A-Za-z0-9.]/g, '-');
  return (
    left.length === right.length &&
    left.slice(0, -1).join('\n') === right.slice(0, -1).join('\n') &&
    folded(left) === folded(right)
  );
}
