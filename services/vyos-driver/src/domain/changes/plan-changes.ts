import { type ConfigPath, type ConfigTree, keyOfPath, pathOfKey } from '../config-tree.ts';
import { childOf, isTree, normalTree, sameNode, valuesOf } from '../normal-tree.ts';
import type { Operation, OwnedContent, Plan, ResourceChange } from './plan.ts';

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

/** A node on the way down from an owned path, and how many bytes the words of its path take as JSON, with a comma behind each. */
interface Place {
  /** Of the owned path. */
  readonly key: string;
  /** Undefined: it is the owned path itself. */
  readonly above: Place | undefined;
  readonly name: string;
  readonly bytes: number;
}

const placeOf = (key: string): Place => ({ key, above: undefined, name: '', bytes: bytesOfKey(key) });

const below = (above: Place, name: string): Place => ({
  key: above.key,
  above,
  name,
  bytes: above.bytes + bytesOf(name) + 1,
});

/** What is done with operations as they are found. */
interface Steps {
  delete(place: Place): void;
  set(place: Place): void;
  /** `set`s the value of the leaf `name`. By itself, since there is one for every line of a configuration. */
  setValue(place: Place, name: string, value: string): void;
}

/** Counts operations and leaves no trace of them: those of a large plan would cost more to keep than to find. */
class CountedSteps implements Steps {
  natSets = 0;
  sets = 0;
  deletes = 0;
  bytes = 0;
  touchesService = false;

  delete({ key, bytes }: Place): void {
    this.deletes += 1;
    this.#note(key, emptyDelete + bytes - 1);
  }

  set({ key, bytes }: Place): void {
    this.sets += 1;
    if (isBelow('nat', key)) this.natSets += 1;
    this.#note(key, emptySet + bytes - 1);
  }

  setValue({ key, bytes }: Place, name: string, value: string): void {
    this.sets += 1;
    if (isBelow('nat', key)) this.natSets += 1;
    this.#note(key, emptySet + bytes + bytesOf(name) + bytesOf(value) + 1);
  }

  #note(key: string, bytes: number): void {
    this.bytes += bytes;
    if (isBelow('service', key)) this.touchesService = true;
  }
}

/** Writes operations out. */
class WrittenSteps implements Steps {
  readonly deletes: Operation[] = [];
  readonly sets: Operation[] = [];
  /** Most operations lie at the same place as the one before them. */
  #last: { readonly place: Place; readonly path: ConfigPath } | undefined;

  delete(place: Place): void {
    this.deletes.push({ op: 'delete', path: this.#pathOf(place) });
  }

  set(place: Place): void {
    this.sets.push({ op: 'set', path: this.#pathOf(place) });
  }

  setValue(place: Place, name: string, value: string): void {
    this.sets.push({ op: 'set', path: [...this.#pathOf(place), name, value] });
  }

  #pathOf(place: Place): ConfigPath {
    if (this.#last?.place !== place) this.#last = { place, path: pathOf(place) };
    return this.#last.path;
  }
}

const pathOf = ({ key, above, name }: Place): ConfigPath =>
  above === undefined ? pathOfKey(key) : [...pathOf(above), name];

const isBelow = (top: string, key: string): boolean =>
  key.startsWith(top) && (key.length === top.length || key[top.length] === '\n');

const emptyDelete = '{"op":"delete","path":[]}'.length;
const emptySet = '{"op":"set","path":[]}'.length;

/**
 * The fewest operations that bring each resource from what is there to what shall be there. Pure: the same input gives the same plan, and
 * with `from` and `to` exchanged it gives the way back. Content that means the same (see `sameContent`) needs no operation.
 *
 * They are counted at once and written out when somebody asks for them, since of all that waits only what fits into a request is sent.
 */
export function planChanges(changes: readonly ResourceChange[]): Plan {
  const counted = new CountedSteps();
  for (const change of changes) addSteps(change, counted);
  const { natSets, sets, deletes, bytes, touchesService } = counted;
  let written: ReturnType<typeof writeOut> | undefined;
  const all = () => {
    written ??= writeOut(changes);
    return written;
  };
  return {
    get operations() {
      return all().operations;
    },
    get byResource() {
      return all().byResource;
    },
    counts: { natSets, mappingSets: sets - natSets, deletes },
    restartsDhcp: touchesService,
    bodyBytes: '{"commands":[]}'.length + bytes + Math.max(0, sets + deletes - 1),
  };
}

function writeOut(changes: readonly ResourceChange[]): Pick<Plan, 'operations' | 'byResource'> {
  const steps = new WrittenSteps();
  const byResource = new Map<string, readonly Operation[]>();
  for (const change of changes) {
    const [deletes, sets] = [steps.deletes.length, steps.sets.length];
    addSteps(change, steps);
    if (steps.deletes.length === deletes && steps.sets.length === sets) continue;
    const own = [...steps.deletes.slice(deletes), ...steps.sets.slice(sets)];
    const before = byResource.get(change.resourceId);
    byResource.set(change.resourceId, before === undefined ? own : [...before, ...own]);
  }
  return { operations: steps.deletes.concat(steps.sets), byResource };
}

/** Whether the plan has no operations. */
export const isNothing = ({ counts }: Plan): boolean => counts.natSets + counts.mappingSets + counts.deletes === 0;

/** The way back from what `changes` come to: the operations that bring each resource to what was there before. */
export const inverseOf = (changes: readonly ResourceChange[]): Plan =>
  planChanges(changes.map(({ resourceId, from, to }) => ({ resourceId, from: to, to: from })));

/** Whether both mean the same to the router: order, leading blanks and a list of one value make no difference. */
export function sameContent(a: OwnedContent, b: OwnedContent): boolean {
  if (a.size !== b.size) return false;
  for (const [key, content] of b) {
    const other = a.get(key);
    if (other === undefined || !sameNode(normalTree(other), normalTree(content))) return false;
  }
  return true;
}

/** Everything that the given contents hold together. Where two name the same path the later one counts. */
export const unionContent = (...contents: readonly OwnedContent[]): OwnedContent =>
  new Map(contents.flatMap((content) => [...content]));

/** Of a word as JSON. */
const bytesOf = (word: string): number =>
  plain.test(word) ? word.length + 2 : Buffer.byteLength(JSON.stringify(word));

/** Without what JSON escapes, one byte a character. */
const plain = /^[ !#-[\]-~]*$/;
const plainKey = /^[ !#-[\]-~\n]*$/;

/** Of a path's words as JSON, with a comma behind each. */
function bytesOfKey(key: string): number {
  if (!plainKey.test(key)) return pathOfKey(key).reduce((sum, word) => sum + bytesOf(word) + 1, 0);
  let bytes = key.length + 3;
  for (let at = key.indexOf('\n'); at >= 0; at = key.indexOf('\n', at + 1)) bytes += 2;
  return bytes;
}

function addSteps({ from, to }: ResourceChange, steps: Steps): void {
  for (const key of from.keys()) {
    if (!to.has(key)) steps.delete(placeOf(key));
  }
  for (const [key, content] of to) {
    const before = from.get(key);
    if (before === undefined) setAll(placeOf(key), normalTree(content), steps);
    else if (before !== content) {
      const [standing, wanted] = [normalTree(before), normalTree(content)];
      if (!sameNode(standing, wanted)) compareTrees(placeOf(key), standing, wanted, steps);
    }
  }
}

/** Both trees are normal and the node at `place` stays. */
function compareTrees(place: Place, from: ConfigTree, to: ConfigTree, steps: Steps): void {
  for (const name of Object.keys(from)) {
    // The highest node that goes: deleting leaf by leaf would leave an empty container behind.
    if (childOf(to, name) === undefined) steps.delete(below(place, name));
  }
  for (const [name, after] of Object.entries(to)) {
    const before = childOf(from, name);
    if (before === undefined) setNode(place, name, after, steps);
    else if (isTree(before) && isTree(after)) compareTrees(below(place, name), before, after, steps);
    else if (isTree(before) || isTree(after)) {
      steps.delete(below(place, name));
      setNode(place, name, after, steps);
    } else if (before !== after) compareValues(place, name, { from: valuesOf(before), to: valuesOf(after) }, steps);
  }
}

function compareValues(
  place: Place,
  name: string,
  { from, to }: { readonly from: readonly string[]; readonly to: readonly string[] },
  steps: Steps,
): void {
  const gone = from.filter((value) => !to.includes(value));
  const replaces = from.length === 1 && to.length === 1 && !multiValued.has(name);
  if (!replaces) for (const value of gone) steps.delete(below(below(place, name), value));
  for (const value of to) if (!from.includes(value)) steps.setValue(place, name, value);
}

function setNode(place: Place, name: string, node: ConfigTree | string | readonly string[], steps: Steps): void {
  if (typeof node === 'string') steps.setValue(place, name, node);
  else if (isTree(node)) setAll(below(place, name), node, steps);
  else for (const value of node) steps.setValue(place, name, value);
}

function setAll(place: Place, tree: ConfigTree, steps: Steps): void {
  const names = Object.keys(tree);
  // A value-less leaf, or a tag instance with nothing in it.
  if (names.length === 0) steps.set(place);
  for (const name of names) setNode(place, name, tree[name] ?? {}, steps);
}

/** The key of the owned path that `path` lies in or is, out of `owned`; undefined when it lies in none. */
export function ownerOf(path: ConfigPath, owned: ReadonlySet<string>): string | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const key = keyOfPath(path.slice(0, length));
    if (owned.has(key)) return key;
  }
  return undefined;
}
