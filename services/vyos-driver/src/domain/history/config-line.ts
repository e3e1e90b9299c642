import type { OwnedContent } from '../changes/plan.ts';
import { type ConfigTree, keyOfPath, pathOfKey } from '../config-tree.ts';
import { type ConfigNode, childOf, isTree, normalTree } from '../normal-tree.ts';

/**
 * A place of a router's configuration that changes as one in the history: a rule, a static mapping, a range; everything else leaf by leaf.
 * `content` is normal (see `normalTree`).
 */
export interface ConfigLine {
  /** See `keyOfPath`. */
  readonly key: string;
  /** Whose it is; empty: somebody else's. */
  readonly resourceId: string;
  readonly content: ConfigNode;
}

/** What stood at a place, and what stands there now; absent: nothing. */
export interface LineChange {
  readonly key: string;
  readonly before?: Omit<ConfigLine, 'key'>;
  readonly after?: Omit<ConfigLine, 'key'>;
}

/** All lines of a moment, by key. */
export type ConfigState = ReadonlyMap<string, ConfigLine>;

/** Tag instances that are lines of their own: `nat <sort> rule <number>`, and mappings and ranges of a DHCP subnet. */
const isWholeLine = (path: readonly string[]): boolean =>
  (path[0] === 'nat' && path.length === 4 && path[2] === 'rule') ||
  (path[1] === 'dhcp-server' && path.length === 8 && (path[6] === 'static-mapping' || path[6] === 'range'));

/** The lines of a part of the configuration that nobody of ours owns. */
export function foreignLines(config: ConfigTree): ConfigLine[] {
  const lines: ConfigLine[] = [];
  const walk = (path: readonly string[], node: ConfigNode): void => {
    if (isTree(node) && !isWholeLine(path) && Object.keys(node).length > 0) {
      for (const [name, child] of Object.entries(node)) walk([...path, name], child);
    } else if (!isEmptyPart(path, node)) {
      lines.push({ key: keyOfPath(path), resourceId: '', content: node });
    }
  };
  walk([], normalTree(config));
  return lines;
}

/** What holds lines is empty for others when all lines in it are ours: that is nothing of theirs. */
const isEmptyPart = (path: readonly string[], node: ConfigNode): boolean =>
  isTree(node) &&
  Object.keys(node).length === 0 &&
  (path.length < 3 || path.join(' ') === 'nat destination rule' || (path.length === 7 && path[6] === 'static-mapping'));

/** The lines of one resource. */
export const ownedLines = (resourceId: string, content: OwnedContent): ConfigLine[] =>
  [...content].map(([key, tree]) => ({ key, resourceId, content: normalTree(tree) }));

/** The state after `changes`, which are of the order in which they happened. */
export function afterChanges(state: ConfigState, changes: Iterable<LineChange>): Map<string, ConfigLine> {
  const next = new Map(state);
  for (const { key, after } of changes) {
    if (after === undefined) next.delete(key);
    else next.set(key, { key, ...after });
  }
  return next;
}

/** What leads from one state to the other, by key. */
export function changesBetween(from: ConfigState, to: ConfigState): LineChange[] {
  const keys = [...new Set([...from.keys(), ...to.keys()])].sort();
  return keys.flatMap((key) => {
    const [before, after] = [from.get(key), to.get(key)];
    if (before !== undefined && after !== undefined && isSameLine(before, after)) return [];
    return [changeOf(key, before, after)];
  });
}

/** The change of one line. */
export const changeOf = (
  key: string,
  before: Omit<ConfigLine, 'key'> | undefined,
  after: Omit<ConfigLine, 'key'> | undefined,
): LineChange => ({
  key,
  ...(before && { before: { resourceId: before.resourceId, content: before.content } }),
  ...(after && { after: { resourceId: after.resourceId, content: after.content } }),
});

/** The way back. */
export const inverseOf = ({ key, before, after }: LineChange): LineChange => changeOf(key, after, before);

const isSameLine = (a: ConfigLine, b: ConfigLine): boolean =>
  a.resourceId === b.resourceId && JSON.stringify(sorted(a.content)) === JSON.stringify(sorted(b.content));

const sorted = (node: ConfigNode): ConfigNode => (isTree(node) ? normalTree(node) : node);

/** The lines as the configuration that they are. */
export function treeOf(lines: Iterable<ConfigLine>): ConfigTree {
  const root: Record<string, unknown> = Object.create(null);
  for (const { key, content } of lines) {
    const path = pathOfKey(key);
    let at = root;
    for (const name of path.slice(0, -1)) {
      const next = at[name] ?? Object.create(null);
      at[name] = next;
      at = next as Record<string, unknown>;
    }
    at[path.at(-1) ?? ''] = content;
  }
  return root as ConfigTree;
}

/** The text at a path within a line's content; empty when there is none. */
export function textIn(content: ConfigNode, ...names: readonly string[]): string {
  const node = names.reduce<ConfigNode | undefined>(childOf, content);
  return typeof node === 'string' ? node : '';
}
