import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigTree, keyOfPath } from '../config-tree.ts';
import { asConfig } from '../inventory/foreign-objects.ts';
import { renamedPaths } from './renamed-paths.ts';

const subnet = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];
const at = (name: string) => keyOfPath([...subnet, 'static-mapping', name]);
const mapping = (mac: string): ConfigTree => ({ mac, 'ip-address': '10.10.1.1' });
const ours = '52:54:00:00:00:01';

const owning = (...owned: readonly [string, string][]) => ({
  ownerOf: (key: string) => owned.find(([path]) => path === key)?.[1],
  keysOf: (id: string) => owned.filter(([, owner]) => owner === id).map(([path]) => path),
});
const expected = new Map([['vm', new Map([[at('vm-a-b'), mapping(ours)]])]]);
const standing = (some: Record<string, ConfigTree>) => asConfig(new Map(Object.entries(some)));

test('a mapping that an upgrade renamed is found by what it holds, and so is one that an old image brings back', () => {
  const renamed = { resourceId: 'vm', from: at('vm_a-b'), to: at('vm-a-b') };
  const there = standing({ [at('vm-a-b')]: mapping(ours) });
  assert.deepEqual(renamedPaths(there, expected, owning([at('vm_a-b'), 'vm'])), [renamed]);
  const back = new Map([['vm', new Map([[at('vm_a-b'), mapping(ours)]])]]);
  const old = standing({ [at('vm_a-b')]: { 'mac-address': ours } });
  assert.deepEqual(renamedPaths(old, back, owning([at('vm-a-b'), 'vm'])), [
    { resourceId: 'vm', from: at('vm-a-b'), to: at('vm_a-b') },
  ]);
});

const others: readonly [string, Record<string, ConfigTree>, readonly [string, string][]][] = [
  ['it has another MAC address', { [at('vm-a-b')]: mapping('52:54:00:ff:00:09') }, [[at('vm_a-b'), 'vm']]],
  ['ours still stands', { [at('vm-a-b')]: mapping(ours), [at('vm_a-b')]: mapping(ours) }, [[at('vm_a-b'), 'vm']]],
  ['ours has another name', { [at('vm-a-b')]: mapping(ours) }, [[at('another'), 'vm']]],
  [
    'it belongs to another VM',
    { [at('vm-a-b')]: mapping(ours) },
    [
      [at('vm_a-b'), 'vm'],
      [at('vm-a-b'), 'other'],
    ],
  ],
  ['nothing stands there', {}, [[at('vm_a-b'), 'vm']]],
];
for (const [name, some, owned] of others) {
  test(`a mapping is not taken for a renamed one when ${name}`, () => {
    assert.deepEqual(renamedPaths(standing(some), expected, owning(...owned)), []);
  });
}
