import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DriftRule, mayHoldOwnedPaths, mendedContent, pathDifferences, policyFor } from './drift.ts';

const rule = (number: number) => `nat\ndestination\nrule\n${number}`;

test('paths differ as added, deleted and updated, and those that mean the same do not', () => {
  const applied = new Map([
    [rule(1), { protocol: 'tcp' }],
    [rule(2), { protocol: 'tcp' }],
    [rule(3), { protocol: 'tcp' }],
  ]);
  const standing = new Map([
    [rule(1), { protocol: ['tcp'] }],
    [rule(2), { protocol: 'udp' }],
    [rule(4), { protocol: 'tcp' }],
  ]);
  const kinds = pathDifferences(standing, applied).map(({ key, kind }) => [key, kind]);
  assert.deepEqual(kinds, [
    [rule(2), 'updated'],
    [rule(3), 'deleted'],
    [rule(4), 'added'],
  ]);
});

test('the policy of the longest path that fits holds, and without any differences are reported', () => {
  const rules: DriftRule[] = [
    { path: ['nat'], policy: 'repair' },
    { path: ['nat', 'destination', 'rule', '10'], policy: 'accept' },
  ];
  assert.equal(policyFor(rules, rule(10)), 'accept');
  assert.equal(policyFor(rules, rule(100)), 'repair', 'a prefix is of names, not of letters');
  assert.equal(policyFor(rules, 'service\ndhcp-server'), 'report');
  assert.equal(policyFor([...rules, { path: [], policy: 'accept' }], 'service\ndhcp-server'), 'accept');
});

test('only paths where something of ours can lie take a policy', () => {
  const mapping = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.0.0.0/8', 'static-mapping'];
  for (const path of [[], ['nat'], ['nat', 'destination', 'rule', '7'], [...mapping, 'web']]) {
    assert.ok(mayHoldOwnedPaths(path), path.join(' '));
  }
  const leaf = ['nat', 'destination', 'rule', '7', 'disable'];
  for (const path of [['system'], ['nat', 'source'], leaf, ['nat', ''], ['nat destination']]) {
    assert.ok(!mayHoldOwnedPaths(path), path.join(' '));
  }
  for (const number of ['abc', '0', '007', '1000000', '1.5', '-1']) {
    assert.ok(!mayHoldOwnedPaths(['nat', 'destination', 'rule', number]), number);
  }
  assert.ok(!mayHoldOwnedPaths(['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', 'abc']));
});

test('what is kept stays as it stands, also where nothing stands, and the rest goes back', () => {
  const applied = new Map([
    [rule(1), { protocol: 'tcp' }],
    [rule(2), { protocol: 'tcp' }],
  ]);
  const standing = new Map([[rule(2), { protocol: 'udp' }]]);
  assert.deepEqual([...mendedContent(applied, standing, new Set([rule(1)]))], [[rule(2), { protocol: 'tcp' }]]);
  const kept = mendedContent(applied, standing, new Set([rule(2)]));
  assert.deepEqual(kept.get(rule(2)), { protocol: 'udp' });
  assert.ok(kept.has(rule(1)));
});
