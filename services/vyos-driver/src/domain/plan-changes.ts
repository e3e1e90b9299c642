import { type ConfigPath, type ConfigTree, keyOfPath, pathOfKey } from './config-tree.ts';
import { childOf, isTree, normalTree, valuesOf } from './normal-tree.ts';
import type { Operation, OperationCounts, OwnedContent, Plan, ResourceChange } from './plan.ts';

/**
 * Leaves below a rule or a mapping that hold several values. Berth writes none of them, but a rule that was adopted, or that somebody
 * extended, may have them: a set adds a value to such a leaf, where it replaces the value of any other.
 */
const multiValued: ReadonlySet<string> = new Set([
  'domain-search',
  'hash',
  'name-server',
  'ntp-server',
  'pop-server',
  'smtp-server',
  'static-mapping-parameters',
  'wins-server',
]);

interface Steps {
  readonly deletes: ConfigPath[];
  readonly sets: ConfigPath[];
}

/**
 * The fewest operations that bring each resource from what is there to what shall be there. Pure: the same input gives the same plan, and
 * with `from` and `to` exchanged it gives the way back. Content that means the same (see `sameContent`) needs no operation.
 */
export function planChanges(changes: readonly ResourceChange[]): Plan {
  const byResource = new Map<string, readonly Operation[]>();
  const deletes: Operation[] = [];
  const sets: Operation[] = [];
  for (const change of changes) {
    const steps = stepsOf(change);
    const own = [...steps.deletes.map(operation('delete')), ...steps.sets.map(operation('set'))];
    if (own.length > 0) byResource.set(change.resourceId, [...(byResource.get(change.resourceId) ?? []), ...own]);
    deletes.push(...own.slice(0, steps.deletes.length));
    sets.push(...own.slice(steps.deletes.length));
  }
  const operations = [...deletes, ...sets];
  return {
    operations,
    byResource,
    counts: countOperations(operations),
    restartsDhcp: operations.some(({ path }) => path[0] === 'service'),
    bodyBytes: Buffer.byteLength(JSON.stringify({ commands: operations })),
  };
}

/** The way back from what `changes` come to: the operations that bring each resource to what was there before. */
export const inverseOf = (changes: readonly ResourceChange[]): Plan =>
  planChanges(changes.map(({ resourceId, from, to }) => ({ resourceId, from: to, to: from })));

/** Whether both mean the same to the router: order, leading blanks and a list of one value make no difference. */
export function sameContent(a: OwnedContent, b: OwnedContent): boolean {
  return a.size === b.size && planChanges([{ resourceId: '', from: a, to: b }]).operations.length === 0;
}

/** Everything that the given contents hold together. Where two name the same path the later one counts. */
export const unionContent = (...contents: readonly OwnedContent[]): OwnedContent =>
  new Map(contents.flatMap((content) => [...content]));

/** What operations cost by kind; see `OperationCounts`. */
function countOperations(operations: readonly Operation[]): OperationCounts {
  const deletes = operations.filter(({ op }) => op === 'delete').length;
  const natSets = operations.filter(({ op, path }) => op === 'set' && path[0] === 'nat').length;
  return { natSets, mappingSets: operations.length - deletes - natSets, deletes };
}

const operation =
  (op: Operation['op']) =>
  (path: ConfigPath): Operation => ({ op, path });

function stepsOf({ from, to }: ResourceChange): Steps {
  const steps: Steps = { deletes: [], sets: [] };
  for (const key of from.keys()) {
    if (!to.has(key)) steps.deletes.push(pathOfKey(key));
  }
  for (const [key, content] of to) {
    const before = from.get(key);
    if (before === undefined) setAll(pathOfKey(key), normalTree(content), steps);
    else compareTrees(pathOfKey(key), normalTree(before), normalTree(content), steps);
  }
  return steps;
}

/** Both trees are normal and the node at `path` stays. */
function compareTrees(path: ConfigPath, from: ConfigTree, to: ConfigTree, steps: Steps): void {
  for (const name of Object.keys(from)) {
    // The highest node that goes: deleting leaf by leaf would leave an empty container behind.
    if (childOf(to, name) === undefined) steps.deletes.push([...path, name]);
  }
  for (const [name, after] of Object.entries(to)) {
    const before = childOf(from, name);
    const at = [...path, name];
    if (before === undefined) setNode(at, after, steps);
    else if (isTree(before) && isTree(after)) compareTrees(at, before, after, steps);
    else if (isTree(before) || isTree(after)) {
      steps.deletes.push(at);
      setNode(at, after, steps);
    } else compareValues(at, valuesOf(before), valuesOf(after), steps);
  }
}

function compareValues(path: ConfigPath, from: readonly string[], to: readonly string[], steps: Steps): void {
  const gone = from.filter((value) => !to.includes(value));
  const replaces = from.length === 1 && to.length === 1 && !multiValued.has(path.at(-1) ?? '');
  if (!replaces) steps.deletes.push(...gone.map((value) => [...path, value]));
  steps.sets.push(...to.filter((value) => !from.includes(value)).map((value) => [...path, value]));
}

function setNode(path: ConfigPath, node: ConfigTree | string | readonly string[], steps: Steps): void {
  if (isTree(node)) setAll(path, node, steps);
  else steps.sets.push(...valuesOf(node).map((value) => [...path, value]));
}

function setAll(path: ConfigPath, tree: ConfigTree, steps: Steps): void {
  const children = Object.entries(tree);
  // A value-less leaf, or a tag instance with nothing in it.
  if (children.length === 0) steps.sets.push(path);
  for (const [name, node] of children) setNode([...path, name], node, steps);
}

/** The key of the owned path that `path` lies in or is, out of `owned`; undefined when it lies in none. */
export function ownerOf(path: ConfigPath, owned: ReadonlySet<string>): string | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const key = keyOfPath(path.slice(0, length));
    if (owned.has(key)) return key;
  }
  return undefined;
}
