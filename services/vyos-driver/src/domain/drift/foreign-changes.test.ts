import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foreignChanges } from './foreign-changes.ts';

const at = (rules: Record<string, object>) => ({ nat: { destination: { rule: rules } } }) as never;

test('a rule of others that is new, gone or different counts once, as a whole', () => {
  const before = at({ 5: { protocol: 'tcp', description: 'a' }, 6: { protocol: 'tcp' } });
  const after = at({ 5: { protocol: 'udp', description: 'b' }, 7: { protocol: 'tcp' } });
  assert.deepEqual(foreignChanges(before, after), [
    { path: ['nat', 'destination', 'rule', '5'], kind: 'updated' },
    { path: ['nat', 'destination', 'rule', '6'], kind: 'deleted' },
    { path: ['nat', 'destination', 'rule', '7'], kind: 'added' },
  ]);
});

test('what means the same is no change, and a whole subtree that is new is one', () => {
  assert.deepEqual(foreignChanges(at({ 5: { port: ['80'] } }), at({ 5: { port: '80' } })), []);
  assert.deepEqual(foreignChanges({}, { service: { 'dhcp-server': { 'listen-address': '10.0.0.1' } } }), [
    { path: ['service'], kind: 'added' },
  ]);
});
