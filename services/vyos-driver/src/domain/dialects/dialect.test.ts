import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyFragment, type Fragment } from '../changes/fragment.ts';
import { keyOfPath } from '../config-tree.ts';
import { dialectFor } from './dialect.ts';
import { dialect13 } from './dialect-1-3.ts';
import { dialect14 } from './dialect-1-4.ts';
import { dialect15, dialect15Confirming, dialect15Freezing } from './dialect-1-5.ts';

const subnet = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];
const mappingKey = (name: string) => keyOfPath([...subnet, 'static-mapping', name]);
const ruleKey = keyOfPath(['nat', 'destination', 'rule', '10000']);

const vm = (name: string): Fragment => ({
  mapping: {
    network: 'LAN',
    subnet: '10.10.0.0/16',
    name,
    macAddress: '52:54:00:00:00:01',
    ipAddress: '10.10.1.1',
  },
  rules: [
    {
      number: 10_000,
      inboundInterface: 'eth0',
      protocol: 'tcp',
      destinationAddress: '192.0.2.1',
      destinationPort: '32000',
      translationAddress: '10.10.1.1',
      translationPort: '22',
      sourceAddress: '198.51.100.0/24',
      description: 'ssh',
      disabled: true,
    },
  ],
});

const names: readonly [string, unknown][] = [
  ['1.3.8', dialect13],
  ['1.3-rolling-202306010007', dialect13],
  ['VyOS 1.4.0', dialect14],
  ['1.4-rolling-202306010007', dialect14],
  ['1.5', dialect15],
  ['1.5-rolling-202410210007', dialect15],
  ['1.5-rolling-202505300007', dialect15],
  ['1.5-stream-2025-Q1', dialect15],
  ['1.5-stream-2025-Q2', dialect15Freezing],
  ['1.5-rolling-202507010020', dialect15Freezing],
  ['2025.11.02-0020-rolling', dialect15Freezing],
  ['2026.02.28-0018-rolling', dialect15Freezing],
  ['2026.03.01-0018-rolling', dialect15Confirming],
  ['1.5-stream-2026-Q2', dialect15Confirming],
  ['', undefined],
  ['1.2.9', undefined],
  ['1.50', undefined],
  ['1.6-rolling-202701010007', undefined],
  ['2024.10.21', undefined],
];
for (const [version, dialect] of names) {
  test(`a router that calls itself "${version}" is ${dialect === undefined ? 'not known' : 'known'}`, () => {
    assert.equal(dialectFor(version), dialect);
  });
}

test('each version gets the leaves that it has', () => {
  const inbound = (dialect: typeof dialect13) => dialect.contentOf(vm('vm-1')).get(ruleKey)?.['inbound-interface'];
  assert.equal(inbound(dialect13), 'eth0');
  assert.deepEqual(inbound(dialect14), { name: 'eth0' });
  assert.deepEqual(inbound(dialect15), { name: 'eth0' });
  const leaves = (dialect: typeof dialect13) =>
    Object.keys(dialect.contentOf(vm('vm-1')).get(mappingKey('vm-1')) ?? {});
  assert.deepEqual(leaves(dialect13), ['ip-address', 'mac-address']);
  assert.deepEqual(leaves(dialect14), ['ip-address', 'mac-address']);
  assert.deepEqual(leaves(dialect15), ['ip-address', 'mac']);
});

test('what one version wrote is, migrated, what another one writes, in both directions', () => {
  const all = [dialect13, dialect14, dialect15];
  for (const from of all) {
    for (const to of all) assert.deepEqual(to.migrated(from.contentOf(vm('vm-1'))), to.contentOf(vm('vm-1')));
  }
});

test('a name with an underscore is written as the upgrade to 1.5 leaves it', () => {
  const before = dialect14.contentOf(vm('vm_1'));
  assert.deepEqual([...before.keys()], [mappingKey('vm_1'), ruleKey]);
  assert.deepEqual([...dialect15.contentOf(vm('vm_1')).keys()], [mappingKey('vm-1'), ruleKey]);
  assert.deepEqual(dialect15.migrated(before), dialect15.contentOf(vm('vm_1')));
});

test('a mapping name that the version does not take is refused before anything is sent, with what it takes', () => {
  assert.equal(dialect14.problemOf(vm('vm_1'), emptyFragment), undefined);
  assert.equal(dialect13.problemOf(vm('vm_1'), emptyFragment), undefined);
  assert.match(dialect15.problemOf(vm('vm_1'), emptyFragment) ?? '', /vm_1 .* VyOS 1\.5 .*letters, digits/);
  assert.equal(dialect15.problemOf(vm('vm-1'), emptyFragment), undefined);
});

test('a VM whose mapping the upgrade renamed may still be changed', () => {
  assert.equal(dialect15.problemOf({ ...vm('vm_1'), rules: [] }, vm('vm_1')), undefined);
  assert.match(dialect15.problemOf(vm('vm_2'), vm('vm_1')) ?? '', /vm_2/);
});
