import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalTree } from '../normal-tree.ts';
import {
  afterChanges,
  type ConfigLine,
  type ConfigState,
  changesBetween,
  foreignLines,
  inverseOf,
  type LineChange,
  treeOf,
} from './config-line.ts';
import { operationsBetween, operationsOf } from './line-operations.ts';

/** The same numbers for the same seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}

const asState = (lines: readonly ConfigLine[]): ConfigState => new Map(lines.map((line) => [line.key, line]));

function randomState(random: (below: number) => number): ConfigState {
  const lines: ConfigLine[] = [];
  for (let n = 0; n < 12; n++) {
    if (random(3) === 0) continue;
    const resourceId = ['', 'vm-1', 'vm-2'][random(3)] ?? '';
    const sort = random(3);
    if (sort === 0)
      lines.push({
        key: `nat\ndestination\nrule\n${n}`,
        resourceId,
        content: {
          description: `d${random(3)}`,
          translation: { port: String(random(3)) },
          ...(random(2) ? { disable: {} } : {}),
        },
      });
    else if (sort === 1)
      lines.push({
        key: `service\ndhcp-server\nshared-network-name\nLAN\nsubnet\n10.0.0.0/8\nstatic-mapping\nm${n}`,
        resourceId,
        content: { 'ip-address': `10.0.0.${random(4)}` },
      });
    else
      lines.push({
        key: `service\ndhcp-server\nshared-network-name\nLAN\nsubnet\n10.${n}.0.0/16\noption\nname-server`,
        resourceId: '',
        content: random(2) ? `10.0.0.${random(3)}` : ['10.0.0.1', `10.0.0.${2 + random(3)}`],
      });
  }
  return asState(lines);
}

const asObject = (state: ConfigState) =>
  Object.fromEntries(
    [...state]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { resourceId, content }]) => [key, { resourceId, content }]),
  );

test('changes lead from any state to any other, and their inverse back', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const [from, to] = [randomState(random), randomState(random)];
    const changes = changesBetween(from, to);
    assert.deepEqual(asObject(afterChanges(from, changes)), asObject(to), `seed ${seed}`);
    assert.deepEqual(asObject(afterChanges(to, changes.map(inverseOf))), asObject(from), `seed ${seed}`);
    assert.deepEqual(changesBetween(to, to), []);
  }
});

test('carried out one after the other, the commands of changes make the other configuration', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = randomFrom(seed);
    const [from, to] = [randomState(random), randomState(random)];
    const commands = [...operationsOf(from.values()), ...operationsBetween(changesBetween(from, to))];
    assert.deepEqual(carriedOut(commands), carriedOut(operationsOf(to.values())), `seed ${seed}`);
  }
});

/** The full paths that stand after the commands: sets replace the value of a leaf unless the leaf holds several. */
function carriedOut(commands: readonly { readonly op: string; readonly path: readonly string[] }[]): string[] {
  const several = (path: string) => path.includes('name-server');
  let paths: string[] = [];
  for (const { op, path } of commands) {
    const text = path.join('\n');
    if (op === 'delete') paths = paths.filter((one) => one !== text && !one.startsWith(`${text}\n`));
    else {
      const leaf = path.slice(0, -1).join('\n');
      const isValue = /(description|port|ip-address)$/.test(leaf) && !several(leaf);
      if (isValue) paths = paths.filter((one) => !one.startsWith(`${leaf}\n`));
      if (!paths.includes(text)) paths.push(text);
    }
  }
  return paths.sort();
}

test('lines of others are rules, mappings and ranges whole, and everything else leaf by leaf; together they are the tree', () => {
  const config = normalTree({
    nat: {
      destination: { rule: { 5: { description: 'x', disable: {} } } },
      source: { rule: { 100: { protocol: 'all' } } },
    },
    service: {
      'dhcp-server': {
        'listen-address': ['10.0.0.1', '10.0.0.2'],
        'shared-network-name': {
          LAN: {
            authoritative: {},
            subnet: {
              '10.0.0.0/8': { lease: '60', range: { 0: { start: '10.0.0.5' } }, 'static-mapping': { a: { mac: 'x' } } },
            },
          },
        },
      },
    },
  });
  const lines = foreignLines(config);
  assert.deepEqual(structuredClone(normalTree(treeOf(lines))), config);
  const places = lines.map(({ key }) => key.split('\n').join(' '));
  assert.ok(places.includes('nat destination rule 5') && places.includes('nat source rule 100'));
  assert.ok(
    places.some((place) => place.endsWith('static-mapping a')) && places.some((place) => place.endsWith('range 0')),
  );
  assert.ok(places.some((place) => place.endsWith('lease')) && places.some((place) => place.endsWith('authoritative')));
});

test('what is empty only because all in it is ours is no line of others', () => {
  const subnet = { '10.0.0.0/8': { 'static-mapping': {}, lease: '60' } };
  const lines = foreignLines({
    nat: { destination: { rule: {} } },
    service: { 'dhcp-server': { 'shared-network-name': { LAN: { subnet } } } },
  });
  assert.deepEqual(
    lines.map(({ key }) => key.split('\n').at(-1)),
    ['lease'],
  );
  assert.deepEqual(foreignLines({ nat: {}, service: { 'dhcp-server': {} } }), []);
});

test('a line that only passes to somebody else is a change without commands', () => {
  const content = { protocol: 'tcp' };
  const change: LineChange = {
    key: 'nat\ndestination\nrule\n5',
    before: { resourceId: '', content },
    after: { resourceId: 'vm-1', content },
  };
  assert.deepEqual(operationsBetween([change]), []);
  const [from, to] = [
    asState([{ key: change.key, resourceId: '', content }]),
    asState([{ key: change.key, resourceId: 'vm-1', content }]),
  ];
  assert.deepEqual(changesBetween(from, to), [change]);
});
