import type { Operation, ResourceChange } from '../changes/plan.ts';
import { planChanges } from '../changes/plan-changes.ts';
import { type ConfigTree, keyOfPath, pathOfKey } from '../config-tree.ts';
import { type ConfigNode, isTree } from '../normal-tree.ts';
import type { ConfigLine, LineChange } from './config-line.ts';

/** A command, and whose line it is about; empty: somebody else's. */
export interface LineOperation extends Operation {
  readonly resourceId: string;
}

/** The commands that make the lines. */
export const operationsOf = (lines: Iterable<ConfigLine>): LineOperation[] =>
  operationsBetween([...lines].map(({ key, ...after }) => ({ key, after })));

/** The commands that make the changes: deletes first, then sets. A line that only passed to somebody else needs none. */
export function operationsBetween(changes: Iterable<LineChange>): LineOperation[] {
  const deletes: LineOperation[] = [];
  const sets: LineOperation[] = [];
  for (const change of changes) {
    const resourceId = (change.after ?? change.before)?.resourceId ?? '';
    for (const operation of planChanges([toResourceChange(change)]).operations) {
      (operation.op === 'delete' ? deletes : sets).push({ ...operation, resourceId });
    }
  }
  return [...deletes, ...sets];
}

/** A leaf is compared within its parent, since only trees stand at keys there. */
function toResourceChange({ key, before, after }: LineChange): ResourceChange {
  const nodes = [before?.content, after?.content];
  if (nodes.every((node) => node === undefined || isTree(node))) {
    const content = (node: ConfigNode | undefined) => new Map(isTree(node) ? [[key, node]] : []);
    return { resourceId: '', from: content(before?.content), to: content(after?.content) };
  }
  const path = pathOfKey(key);
  const parent = keyOfPath(path.slice(0, -1));
  const inParent = (node: ConfigNode | undefined): ReadonlyMap<string, ConfigTree> =>
    new Map([[parent, node === undefined ? {} : { [path.at(-1) ?? '']: node }]]);
  return { resourceId: '', from: inParent(before?.content), to: inParent(after?.content) };
}
