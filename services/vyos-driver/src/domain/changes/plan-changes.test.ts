import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ConfigPath, type ConfigTree, keyOfPath, pathOfKey } from '../config-tree.ts';
import { dialect15 } from '../dialects/dialect-1-5.ts';
import { isTree, treeAt, valuesOf } from '../normal-tree.ts';
import type { DestinationNatRule, Fragment } from './fragment.ts';
import type { OwnedContent, ResourceChange } from './plan.ts';
import { ownerOf, planChanges, sameContent, unionContent } from './plan-changes.ts';

const subnetPath = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];

const aRule = (rule: Partial<DestinationNatRule> = {}): DestinationNatRule => ({
  number: 10_000,
  inboundInterface: 'eth0',
  protocol: 'tcp',
  destinationAddress: '192.0.2.1',
  destinationPort: '32000',
  translationAddress: '10.10.0.20',
  translationPort: '22',
  sourceAddress: '',
  description: 'vm-1 ssh',
  disabled: false,
  ...rule,
});

const aVm: Fragment = {
  mapping: {
    network: 'LAN',
    subnet: '10.10.0.0/16',
    name: 'vm-1',
    macAddress: '52:54:00:00:00:01',
    ipAddress: '10.10.0.20',
  },
  rules: [aRule()],
};

const nothing: OwnedContent = new Map();
const content = (fragment: Fragment) => dialect15.contentOf(fragment);
const ops = (from: OwnedContent, to: OwnedContent) =>
  planChanges([{ resourceId: 'vm', from, to }]).operations.map(({ op, path }) => `${op} ${path.join(' ')}`);

/** The router, told in the fewest words: a set of leaf paths, where a set replaces its leaf's other value. Knows nothing of the planner. */
class TinyRouter {
  readonly leaves = new Map<string, ConfigPath>();
  constructor(...contents: OwnedContent[]) {
    for (const content of contents) {
      for (const [key, tree] of content) this.#put(pathOfKey(key), tree);
    }
  }
  #put(path: ConfigPath, node: ConfigTree | string | readonly string[]): void {
    if (!isTree(node)) for (const value of valuesOf(node)) this.set([...path, value], true);
    else if (Object.keys(node).length === 0) this.set(path, false);
    else for (const [name, child] of Object.entries(node)) this.#put([...path, name], child);
  }
  set(path: ConfigPath, hasValue: boolean): void {
    if (hasValue) this.delete(path.slice(0, -1));
    this.leaves.set(path.join('\n'), path);
  }
  delete(path: ConfigPath): void {
    const key = path.join('\n');
    for (const leaf of this.leaves.keys()) if (leaf === key || leaf.startsWith(`${key}\n`)) this.leaves.delete(leaf);
  }
  all = () => [...this.leaves.keys()].sort();
}

/** `nat destination rule N disable` is the only value-less leaf that Berth writes. */
const hasValue = (path: ConfigPath) => !(path.length === 5 && path[4] === 'disable');

function applied(changes: readonly ResourceChange[]): string[] {
  const router = new TinyRouter(...changes.map(({ from }) => from));
  for (const { op, path } of planChanges(changes).operations) {
    if (op === 'set') router.set(path, hasValue(path));
    else router.delete(path);
  }
  return router.all();
}

test('a new VM is one set for each leaf, its removal one delete for each rule and mapping', () => {
  assert.deepEqual(ops(nothing, content(aVm)), [
    `set ${[...subnetPath, 'static-mapping vm-1 ip-address 10.10.0.20'].join(' ')}`,
    `set ${[...subnetPath, 'static-mapping vm-1 mac 52:54:00:00:00:01'].join(' ')}`,
    'set nat destination rule 10000 description vm-1 ssh',
    'set nat destination rule 10000 destination address 192.0.2.1',
    'set nat destination rule 10000 destination port 32000',
    'set nat destination rule 10000 inbound-interface name eth0',
    'set nat destination rule 10000 protocol tcp',
    'set nat destination rule 10000 translation address 10.10.0.20',
    'set nat destination rule 10000 translation port 22',
  ]);
  assert.deepEqual(ops(content(aVm), nothing), [
    `delete ${[...subnetPath, 'static-mapping vm-1'].join(' ')}`,
    'delete nat destination rule 10000',
  ]);
});

test('a changed value is one set, pausing and resuming one operation each', () => {
  const before = content({ rules: [aRule()] });
  assert.deepEqual(ops(before, content({ rules: [aRule({ translationPort: '2222' })] })), [
    'set nat destination rule 10000 translation port 2222',
  ]);
  const paused = content({ rules: [aRule({ disabled: true })] });
  assert.deepEqual(ops(before, paused), ['set nat destination rule 10000 disable']);
  assert.deepEqual(ops(paused, before), ['delete nat destination rule 10000 disable']);
});

test('taking the last leaf of a container away takes the container away, since the router would keep it empty', () => {
  const restricted = content({ rules: [aRule({ sourceAddress: '198.51.100.0/24' })] });
  assert.deepEqual(ops(restricted, content({ rules: [aRule()] })), ['delete nat destination rule 10000 source']);
});

test('two VMs exchange rule numbers in one plan', () => {
  const a = content({ rules: [aRule({ number: 1, description: 'a' })] });
  const b = content({ rules: [aRule({ number: 2, description: 'b' })] });
  const changes = [
    { resourceId: 'a', from: a, to: content({ rules: [aRule({ number: 2, description: 'a' })] }) },
    { resourceId: 'b', from: b, to: content({ rules: [aRule({ number: 1, description: 'b' })] }) },
  ];
  assert.deepEqual(applied(changes), new TinyRouter(...changes.map(({ to }) => to)).all());
  assert.deepEqual(
    planChanges(changes)
      .operations.map(({ op }) => op)
      .join(' '),
    `${'delete '.repeat(2)}${'set '.repeat(14)}`.trim(),
  );
});

test('contents of the same meaning need no operation', () => {
  const key = keyOfPath(['nat', 'destination', 'rule', '7']);
  const as = (tree: ConfigTree): OwnedContent => new Map([[key, tree]]);
  assert.ok(sameContent(as({ description: '  led', protocol: 'tcp' }), as({ protocol: ['tcp'], description: 'led' })));
  assert.ok(sameContent(as({ a: ['x', 'y'] }), as({ a: ['y', 'x'] })));
  assert.ok(sameContent(as({ disable: {} }), as({ disable: {}, description: '' })));
  assert.ok(!sameContent(as({ description: 'trail ' }), as({ description: 'trail' })));
  assert.ok(!sameContent(as({}), nothing));
  assert.ok(!sameContent(as({ disable: {} }), as({})));
});

test('leaves with several values gain and lose single values', () => {
  const key = keyOfPath([...subnetPath, 'static-mapping', 'vm']);
  const servers = (...values: string[]): OwnedContent => new Map([[key, { option: { 'name-server': values } }]]);
  const path = `${subnetPath.join(' ')} static-mapping vm option name-server`;
  assert.deepEqual(ops(servers('192.0.2.1', '192.0.2.2'), servers('192.0.2.2', '192.0.2.3')), [
    `delete ${path} 192.0.2.1`,
    `set ${path} 192.0.2.3`,
  ]);
  assert.deepEqual(ops(servers('192.0.2.1'), servers('192.0.2.2')), [
    `delete ${path} 192.0.2.1`,
    `set ${path} 192.0.2.2`,
  ]);
});

test('a plan counts what its operations cost, and its body is that of the request', () => {
  const plan = planChanges([{ resourceId: 'vm', from: content({ rules: [aRule({ number: 5 })] }), to: content(aVm) }]);
  assert.deepEqual(plan.counts, { natSets: 7, mappingSets: 2, deletes: 1 });
  assert.ok(plan.restartsDhcp);
  assert.equal(plan.bodyBytes, Buffer.byteLength(JSON.stringify({ commands: plan.operations })));
  assert.deepEqual([...plan.byResource.keys()], ['vm']);
  assert.ok(!planChanges([{ resourceId: 'vm', from: nothing, to: content({ rules: [aRule()] }) }]).restartsDhcp);
  assert.deepEqual(planChanges([]), {
    operations: [],
    byResource: new Map(),
    counts: { natSets: 0, mappingSets: 0, deletes: 0 },
    restartsDhcp: false,
    bodyBytes: 15,
  });
});

test('what stands on the router is read back as it was written, and nothing of others', () => {
  const config: ConfigTree = {
    nat: {
      destination: {
        rule: {
          5: { description: 'admin', translation: { port: '22' } },
          10000: {
            description: 'vm-1 ssh',
            destination: { address: '192.0.2.1', port: '32000' },
            'inbound-interface': { name: 'eth0' },
            protocol: 'tcp',
            translation: { address: '10.10.0.20', port: '22' },
          },
        },
      },
    },
    service: { 'dhcp-server': { 'shared-network-name': { LAN: { subnet: { '10.10.0.0/16': {} } } } } },
  };
  const keys = dialect15.ownedPaths(aVm);
  assert.deepEqual(keys, [
    keyOfPath([...subnetPath, 'static-mapping', 'vm-1']),
    keyOfPath(['nat', 'destination', 'rule', '10000']),
  ]);
  const found = dialect15.contentAt(config, [...keys, keyOfPath([...subnetPath, 'static-mapping', 'constructor'])]);
  assert.ok(sameContent(found, content({ rules: aVm.rules })));
  assert.equal(treeAt(config, ['nat', 'source']), undefined);
});

const word = (...words: string[]) => fc.constantFrom(...words);

const fragments: fc.Arbitrary<Fragment> = fc
  .record({
    mapping: fc.option(
      fc.record({
        network: fc.constant('LAN'),
        subnet: fc.constant('10.10.0.0/16'),
        name: word('vm-a', 'vm-b', 'constructor'),
        macAddress: word('52:54:00:00:00:01', '52:54:00:00:00:02'),
        ipAddress: word('10.10.0.1', '10.10.0.2'),
      }),
      { nil: undefined },
    ),
    rules: fc.uniqueArray(
      fc.record({
        number: fc.integer({ min: 1, max: 6 }),
        inboundInterface: word('eth0', 'eth1'),
        protocol: word('tcp', 'udp', 'tcp_udp') as fc.Arbitrary<'tcp' | 'udp' | 'tcp_udp'>,
        destinationAddress: word('192.0.2.1', ''),
        destinationPort: word('80', '8000-8010'),
        translationAddress: word('10.10.0.1', '10.10.0.2'),
        translationPort: word('80', ''),
        sourceAddress: word('', '198.51.100.0/24'),
        description: word('', 'a b', '  led', 'disable'),
        disabled: fc.boolean(),
      }),
      { selector: ({ number }) => number, maxLength: 4 },
    ),
  })
  .map(({ mapping, rules }) => (mapping === undefined ? { rules } : { mapping, rules }));

/** Two resources whose values never meet within one state, as the database guarantees, but may move from one to the other. */
const batches = fc
  .tuple(fragments, fragments, fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }))
  .map(([from, to, fromSplit, toSplit]): ResourceChange[] => {
    const share = (fragment: Fragment, split: number, mine: boolean): OwnedContent =>
      content({
        ...(fragment.mapping !== undefined && (fragment.mapping.name === 'vm-a') === mine
          ? { mapping: fragment.mapping }
          : {}),
        rules: fragment.rules.filter(({ number }) => number <= split === mine),
      });
    return [true, false].map((mine) => ({
      resourceId: mine ? 'mine' : 'yours',
      from: share(from, fromSplit, mine),
      to: share(to, toSplit, mine),
    }));
  });

test('a plan brings the router to what was asked, and its inverse back', () => {
  fc.assert(
    fc.property(batches, (changes) => {
      assert.deepEqual(applied(changes), new TinyRouter(...changes.map(({ to }) => to)).all());
      const back = changes.map(({ resourceId, from, to }) => ({ resourceId, from: to, to: from }));
      assert.deepEqual(applied(back), new TinyRouter(...changes.map(({ from }) => from)).all());
    }),
  );
});

test('planning again after it was applied finds nothing', () => {
  fc.assert(
    fc.property(batches, (changes) => {
      const again = changes.map(({ resourceId, to }) => ({ resourceId, from: to, to }));
      assert.deepEqual(planChanges(again).operations, []);
    }),
  );
});

test('a plan is minimal: nothing twice, deletes first, only owned paths, no operation that could be left out', () => {
  fc.assert(
    fc.property(batches, (changes) => {
      const { operations, byResource } = planChanges(changes);
      const asked = new TinyRouter(...changes.map(({ to }) => to)).all();
      const owned = new Set(changes.flatMap(({ from, to }) => [...from.keys(), ...to.keys()]));
      assert.equal(new Set(operations.map(({ op, path }) => `${op} ${keyOfPath(path)}`)).size, operations.length);
      assert.ok(operations.every(({ path }) => ownerOf(path, owned) !== undefined));
      const firstSet = operations.findIndex(({ op }) => op === 'set');
      assert.ok(firstSet < 0 || operations.slice(firstSet).every(({ op }) => op === 'set'));
      assert.equal([...byResource.values()].flat().length, operations.length);
      for (const left of operations) {
        const router = new TinyRouter(...changes.map(({ from }) => from));
        for (const step of operations) {
          if (step === left) continue;
          if (step.op === 'set') router.set(step.path, hasValue(step.path));
          else router.delete(step.path);
        }
        // Exception: a rule that moves between resources is deleted and made anew, where a lucky value may be the same.
        const owner = ownerOf(left.path, owned) ?? '';
        const moved =
          changes.some(({ from, to }) => from.has(owner) && !to.has(owner)) &&
          asked.some((leaf) => leaf.startsWith(`${owner}\n`));
        if (!moved) assert.notDeepEqual(router.all(), asked);
      }
    }),
  );
});

test('a rule costs at most one operation for each of its leaves', () => {
  fc.assert(
    fc.property(fragments, fragments, (from, to) => {
      const plan = planChanges([{ resourceId: 'vm', from: content(from), to: content(to) }]);
      const leaves = (fragment: Fragment) => new TinyRouter(content(fragment)).leaves.size;
      assert.ok(plan.counts.natSets + plan.counts.mappingSets <= leaves(to));
      assert.ok(plan.counts.deletes <= leaves(from));
    }),
  );
});

test('a union holds everything once, the later one counting', () => {
  const a: OwnedContent = new Map([['x', { a: '1' }]]);
  const b: OwnedContent = new Map<string, ConfigTree>([
    ['x', { a: '2' }],
    ['y', {}],
  ]);
  assert.deepEqual(
    [...unionContent(a, b)],
    [
      ['x', { a: '2' }],
      ['y', {}],
    ],
  );
});
