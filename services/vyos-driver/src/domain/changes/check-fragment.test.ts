import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FragmentSchema } from '@berth/contracts';
import { create } from '@bufbuild/protobuf';
import { fragmentOf } from './check-fragment.ts';

const rule = {
  number: 10_000,
  inboundInterface: 'eth0',
  protocol: 'tcp',
  destinationAddress: '192.0.2.1',
  destinationPort: '32000-32010',
  translationAddress: '10.10.0.10',
  translationPort: '22',
  sourceAddress: '203.0.113.0/24',
  description: 'vm ssh; rm -rf / & $(boo) `x` #ünïcode',
};
const mapping = {
  network: 'LAN',
  subnet: '10.10.0.0/16',
  name: 'vm-1.example',
  macAddress: '52:54:00:aa:bb:cc',
  ipAddress: '10.10.0.10',
};
const read = (given: { rule?: object; mapping?: object }) =>
  fragmentOf(
    create(FragmentSchema, { rules: [{ ...rule, ...given.rule }], mapping: { ...mapping, ...given.mapping } }),
  );

test('a sound fragment is taken as it is, shell characters in texts included', () => {
  assert.deepEqual(read({}), { mapping, rules: [{ ...rule, disabled: false }] });
});

const unsound: readonly (readonly [string, { rule?: object; mapping?: object }])[] = [
  ['a double quote', { rule: { description: 'a"b' } }],
  ['a single quote', { rule: { description: "a'b" } }],
  ['a line break', { rule: { description: 'a\nb' } }],
  ['a control character', { rule: { description: 'a\u0007b' } }],
  ['a leading blank, which the router loses', { rule: { description: ' a' } }],
  ['a text of 256 characters', { rule: { description: 'x'.repeat(256) } }],
  ['rule number 0', { rule: { number: 0 } }],
  ['rule number 1000000', { rule: { number: 1_000_000 } }],
  ['a protocol that has no ports', { rule: { protocol: 'icmp' } }],
  ['a port of 0', { rule: { destinationPort: '0' } }],
  ['a reversed port range', { rule: { destinationPort: '20-10' } }],
  ['a port list', { rule: { translationPort: '22,23' } }],
  ['an IPv6 address', { rule: { translationAddress: '2001:db8::1' } }],
  ['a source that is no network', { rule: { sourceAddress: '10.0.0.0/33' } }],
  ['an interface with a blank', { rule: { inboundInterface: 'eth0 eth1' } }],
  ['a MAC address without colons', { mapping: { macAddress: '525400aabbcc' } }],
  ['a further leaf without a name', { mapping: { extra: [{ path: [], values: ['x'] }] } }],
  ['a further leaf of two words', { rule: { extra: [{ path: ['log it'], values: [] }] } }],
  ['a quote in a further leaf', { mapping: { extra: [{ path: ['description'], values: ["it's"] }] } }],
  ['a mapping name with a blank', { mapping: { name: 'vm 1' } }],
  ['a mapping name that is a path', { mapping: { name: 'vm/1' } }],
  ['an address that is none', { mapping: { ipAddress: '10.10.0' } }],
  ['a network name with a line break', { mapping: { network: 'LAN\nset' } }],
];
for (const [what, given] of unsound) {
  test(`${what} never reaches a router`, () => {
    assert.match(Reflect.get(read(given), 'problem') ?? '', /cannot be put on a router/);
  });
}

test('a fragment may say as little, and as much besides, as people write', () => {
  const bare = {
    inboundInterface: '',
    destinationAddress: '',
    translationPort: '',
    description: '',
    sourceAddress: '',
  };
  const option = [{ path: ['option', 'static-route', '10.0.0.0/8', 'next-hop'], values: ['10.10.0.2'] }];
  const given = fragmentOf(
    create(FragmentSchema, {
      rules: [{ ...rule, ...bare, extra: [{ path: ['log'], values: [] }] }],
      mapping: { ...mapping, macAddress: '52:54:00:AA:BB:CC', extra: option },
    }),
  );
  assert.ok(!('problem' in given));
  assert.deepEqual(given.mapping, { ...mapping, macAddress: '52:54:00:AA:BB:CC', extra: option });
  assert.deepEqual(given.rules, [{ ...rule, ...bare, disabled: false, extra: [{ path: ['log'], values: [] }] }]);
});

test('two rules of one number are no fragment', () => {
  assert.ok('problem' in fragmentOf(create(FragmentSchema, { rules: [rule, rule] })));
});

test('rules of several sources on the same external ports are a sound fragment', () => {
  const ports = { destinationPort: '32000-32010', translationPort: '32000-32010', disabled: false };
  const rules = [
    { ...rule, ...ports, sourceAddress: '203.0.113.0/24' },
    { ...rule, ...ports, number: 10_001, sourceAddress: '198.51.100.7' },
    { ...rule, ...ports, number: 10_002, inboundInterface: 'eth1.100', destinationAddress: '198.51.100.1' },
  ];
  assert.deepEqual(fragmentOf(create(FragmentSchema, { rules })), { rules });
});
