import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigTree } from '../config-tree.ts';
import type { OwnedContent, ResourceChange } from './plan.ts';
import { inverseOf, planChanges } from './plan-changes.ts';

/**
 * A router of a few lines, written from the manual and not from the planner: nodes in a tree, where leaves have one value or several or none,
 * a `delete` of what is not there and a `set` of what is there are mistakes, and a container stays when its last child goes.
 */
interface Node {
  readonly children: Map<string, Node>;
  readonly values: Set<string>;
}

/** What each name is: from the manual, as far as it is used here. All others are containers or tags. */
const several = new Set(['name-server', 'domain-search', 'ntp-server', 'hash']);
const single = new Set(['description', 'protocol', 'address', 'port', 'name', 'mac', 'ip-address', 'bootfile-name']);
const valueless = new Set(['disable', 'exclude', 'log']);

const newNode = (): Node => ({ children: new Map(), values: new Set() });

class ModelRouter {
  readonly root = newNode();

  constructor(contents: Iterable<readonly [string, ConfigTree]> = []) {
    for (const [key, tree] of contents) this.#plant(this.#walk(key.split('\n')), tree);
  }

  set(path: readonly string[]): void {
    const at = path.findIndex((name) => single.has(name) || several.has(name));
    if (at < 0) {
      assert.ok(!this.#find(path), `set of what is there: ${path.join(' ')}`);
      this.#walk(path);
      return;
    }
    assert.equal(at, path.length - 2, `a leaf has one value at the end of its path: ${path.join(' ')}`);
    const leaf = this.#walk(path.slice(0, -1));
    const value = path.at(-1) ?? '';
    assert.ok(!leaf.values.has(value), `set of what is there: ${path.join(' ')}`);
    if (single.has(path[at] ?? '')) leaf.values.clear();
    leaf.values.add(value);
  }

  delete(path: readonly string[]): void {
    const above = this.#find(path.slice(0, -1));
    const last = path.at(-1) ?? '';
    const isValue = above?.values.has(last) ?? false;
    assert.ok(isValue || above?.children.has(last), `delete of what is not there: ${path.join(' ')}`);
    above?.values.delete(last);
    above?.children.delete(last);
    if (isValue && above?.values.size === 0) this.#find(path.slice(0, -2))?.children.delete(path.at(-2) ?? '');
  }

  /** Everything that stands at these keys, a line for each value and each end. */
  shown(keys: Iterable<string>): string[] {
    const lines: string[] = [];
    const show = (path: readonly string[], node: Node): void => {
      for (const value of node.values) lines.push([...path, `= ${value}`].join(' '));
      if (node.values.size === 0 && node.children.size === 0) lines.push([...path, '(nothing below)'].join(' '));
      for (const [name, child] of node.children) show([...path, name], child);
    };
    for (const key of new Set(keys)) {
      const node = this.#find(key.split('\n'));
      if (node) show(key.split('\n'), node);
    }
    return lines.sort();
  }

  #plant(node: Node, tree: ConfigTree): void {
    for (const [name, below] of Object.entries(tree)) {
      const child = newNode();
      node.children.set(name, child);
      if (typeof below === 'string') child.values.add(below);
      else if (Array.isArray(below)) for (const value of below) child.values.add(value);
      else this.#plant(child, below as ConfigTree);
    }
  }

  #find(path: readonly string[]): Node | undefined {
    return path.reduce<Node | undefined>((node, name) => node?.children.get(name), this.root);
  }

  #walk(path: readonly string[]): Node {
    return path.reduce((node, name) => {
      const child = node.children.get(name) ?? newNode();
      node.children.set(name, child);
      return child;
    }, this.root);
  }
}

const keysOf = (changes: readonly ResourceChange[]): string[] =>
  changes.flatMap(({ from, to }) => [...from.keys(), ...to.keys()]);

type Steps = readonly { readonly op: 'set' | 'delete'; readonly path: readonly string[] }[];

function run(router: ModelRouter, steps: Steps): ModelRouter {
  for (const { op, path } of steps) router[op](path);
  return router;
}

const standing = (changes: readonly ResourceChange[], side: 'from' | 'to'): ModelRouter =>
  new ModelRouter(changes.flatMap((change) => [...change[side]]));

const word = (...words: string[]) => fc.constantFrom(...words);
const some = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const flag = some(fc.constant({}));
const severalOf = (...words: string[]) =>
  some(fc.uniqueArray(word(...words), { minLength: 2, maxLength: words.length }));

/** Trees as they are read from a router: no leaf without a value, no container without a leaf. */
function withoutNothing(tree: Record<string, unknown>): ConfigTree {
  const kept = Object.entries(tree).flatMap(([name, node]): [string, ConfigTree[string]][] => {
    if (node === undefined) return [];
    if (typeof node === 'string' || Array.isArray(node)) return [[name, node]];
    const below = withoutNothing(Object(node));
    return Object.keys(below).length > 0 || valueless.has(name) ? [[name, below]] : [];
  });
  return Object.fromEntries(kept);
}

const rule = fc
  .record({
    description: some(word('a', 'b c', 'disable')),
    protocol: some(word('tcp', 'udp')),
    destination: fc.record({ address: some(word('192.0.2.1', '192.0.2.2')), port: some(word('80', '81-90')) }),
    translation: fc.record({ address: some(word('10.10.0.1', '10.10.0.2')), port: some(word('22')) }),
    'inbound-interface': fc.record({ name: some(word('eth0', 'eth1')) }),
    disable: flag,
    exclude: flag,
    log: flag,
    'load-balance': fc.record({ hash: severalOf('random', 'source-port', 'protocol') }),
  })
  .map(withoutNothing);

const mapping = fc
  .record({
    mac: some(word('52:54:00:00:00:01', '52:54:00:00:00:02')),
    'ip-address': some(word('10.10.0.1', '10.10.0.2')),
    description: some(word('made by hand')),
    disable: flag,
    option: fc.record({
      'name-server': severalOf('192.0.2.53', '192.0.2.54', '192.0.2.55'),
      'domain-search': severalOf('a.example', 'b.example'),
      'bootfile-name': some(word('pxe', 'constructor')),
    }),
  })
  .map(withoutNothing);

const subnet = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];
const ruleKey = (number: string) => ['nat', 'destination', 'rule', number].join('\n');
const mappingKey = (name: string) => [...subnet, 'static-mapping', name].join('\n');

const content: fc.Arbitrary<OwnedContent> = fc
  .tuple(fc.dictionary(word('1', '2', '3', '4'), rule), fc.dictionary(word('vm-a', 'vm-b', 'constructor'), mapping))
  .map(
    ([rules, mappings]) =>
      new Map([
        ...Object.entries(rules).map(([number, tree]) => [ruleKey(number), tree] as const),
        ...Object.entries(mappings).map(([name, tree]) => [mappingKey(name), tree] as const),
      ]),
  );

/** Two resources that have nothing in common in one state, though a rule or a mapping may go from one to the other. */
const changes: fc.Arbitrary<ResourceChange[]> = fc
  .tuple(content, content, fc.func(fc.boolean()), fc.func(fc.boolean()))
  .map(([from, to, hadMine, getsMine]) =>
    [true, false].map((mine) => ({
      resourceId: mine ? 'mine' : 'yours',
      from: new Map([...from].filter(([key]) => hadMine(key) === mine)),
      to: new Map([...to].filter(([key]) => getsMine(key) === mine)),
    })),
  );

const often = { numRuns: 1_000 };

test('a plan makes of any state any other, without a set or a delete that does nothing; its inverse brings the first one back', () => {
  fc.assert(
    fc.property(changes, (planned) => {
      const keys = keysOf(planned);
      const router = run(standing(planned, 'from'), planChanges(planned).operations);
      assert.deepEqual(router.shown(keys), standing(planned, 'to').shown(keys));
      run(router, inverseOf(planned).operations);
      assert.deepEqual(router.shown(keys), standing(planned, 'from').shown(keys));
    }),
    often,
  );
});

test('planning from what a plan has made gives nothing', () => {
  fc.assert(
    fc.property(changes, (planned) => {
      const after = planned.map(({ resourceId, to }) => ({ resourceId, from: to, to }));
      assert.deepEqual(planChanges(after).operations, []);
      assert.deepEqual(inverseOf(after).operations, []);
    }),
    often,
  );
});

test('a plan stays within what its resources own, says whose each operation is, and is the same each time', () => {
  fc.assert(
    fc.property(changes, (planned) => {
      const plan = planChanges(planned);
      assert.deepEqual(planChanges(structuredClone(planned)).operations, plan.operations);
      for (const { resourceId, from, to } of planned) {
        const own = [...from.keys(), ...to.keys()];
        for (const { path } of plan.byResource.get(resourceId) ?? []) {
          const text = `${path.join('\n')}\n`;
          assert.ok(own.some((key) => text.startsWith(`${key}\n`)));
        }
      }
      assert.equal([...plan.byResource.values()].flat().length, plan.operations.length);
    }),
    often,
  );
});

/** The fewest steps from one content to another, found by trying: every set of a leaf of the goal, every delete of a node of the start. */
function fewestSteps(from: OwnedContent, to: OwnedContent, most: number): number {
  const keys = [...from.keys(), ...to.keys()];
  const goal = new ModelRouter(to).shown(keys).join('\n');
  const steps = candidates(from, to);
  let states = new Map([[new ModelRouter(from).shown(keys).join('\n'), [] as Steps]]);
  const seen = new Set(states.keys());
  for (let count = 0; count <= most; count++) {
    if (states.has(goal)) return count;
    const next = new Map<string, Steps>();
    for (const done of states.values()) {
      for (const step of steps) {
        const shown = attempt(from, [...done, step], keys);
        if (shown === undefined || seen.has(shown)) continue;
        seen.add(shown);
        next.set(shown, [...done, step]);
      }
    }
    states = next;
  }
  return most + 1;
}

function attempt(from: OwnedContent, steps: Steps, keys: readonly string[]): string | undefined {
  try {
    return run(new ModelRouter(from), steps).shown(keys).join('\n');
  } catch {
    return undefined;
  }
}

function candidates(from: OwnedContent, to: OwnedContent): Steps {
  const pathsIn = (content: OwnedContent): string[][] => {
    const paths: string[][] = [];
    const walk = (path: string[], node: ConfigTree[string]): void => {
      paths.push(path);
      if (typeof node === 'string') paths.push([...path, node]);
      else if (Array.isArray(node)) for (const value of node) paths.push([...path, value]);
      else for (const [name, child] of Object.entries(node)) walk([...path, name], child);
    };
    for (const [key, tree] of content) walk(key.split('\n'), tree);
    return paths;
  };
  const sets = pathsIn(to).filter((path) => {
    const isLeafName = single.has(path.at(-1) ?? '') || several.has(path.at(-1) ?? '');
    const hasValue = single.has(path.at(-2) ?? '') || several.has(path.at(-2) ?? '');
    return hasValue || (!isLeafName && valueless.has(path.at(-1) ?? ''));
  });
  return [
    ...sets.map((path) => ({ op: 'set' as const, path })),
    ...pathsIn(from).map((path) => ({ op: 'delete' as const, path })),
  ];
}

const fullRule: ConfigTree = {
  destination: { address: '192.0.2.1', port: '80' },
  protocol: 'tcp',
  translation: { address: '10.10.0.1', port: '22' },
};

const edits: Readonly<Record<string, readonly [ConfigTree | undefined, ConfigTree | undefined, number]>> = {
  'a changed value is one set': [fullRule, { ...fullRule, protocol: 'udp' }, 1],
  'a pause is one set': [fullRule, { ...fullRule, disable: {} }, 1],
  'the end of a pause is one delete': [{ ...fullRule, disable: {} }, fullRule, 1],
  'a removed rule is one delete': [fullRule, undefined, 1],
  'a leaf that goes with its container is one delete': [{ ...fullRule, source: { address: '192.0.2.9' } }, fullRule, 1],
  'a new rule is a set for each leaf': [undefined, fullRule, 5],
  'two changed values are two sets': [fullRule, { ...fullRule, destination: { address: '192.0.2.2', port: '81' } }, 2],
  'one value of several that changes is a delete and a set': [
    { 'load-balance': { hash: ['random', 'protocol'] }, protocol: 'tcp' },
    { 'load-balance': { hash: ['random', 'source-port'] }, protocol: 'tcp' },
    2,
  ],
};

for (const [what, [before, after, steps]] of Object.entries(edits)) {
  test(`${what}, and fewer steps do not do it`, () => {
    const as = (tree: ConfigTree | undefined): OwnedContent => new Map(tree ? [[ruleKey('7'), tree]] : []);
    const [from, to] = [as(before), as(after)];
    assert.equal(planChanges([{ resourceId: 'vm', from, to }]).operations.length, steps);
    assert.equal(fewestSteps(from, to, steps), steps);
  });
}
