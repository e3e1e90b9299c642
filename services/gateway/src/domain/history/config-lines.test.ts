import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configLines, configTrees } from './config-lines.ts';

const rule = ['nat', 'destination', 'rule', '10000'];

test('commands read as a person would type them, values with blanks in quotes', () => {
  const lines = configLines([
    { op: 'delete', path: ['nat', 'destination', 'rule', '9'] },
    { op: 'set', path: [...rule, 'description', 'vm-a ssh; $x'] },
    { op: 'set', path: [...rule, 'destination', 'port', '2200-2210'] },
    { op: 'set', path: [...rule, 'disable'] },
  ]);
  assert.deepEqual(lines, [
    'delete nat destination rule 9',
    "set nat destination rule 10000 description 'vm-a ssh; $x'",
    'set nat destination rule 10000 destination port 2200-2210',
    'set nat destination rule 10000 disable',
  ]);
});

test('commands of one rule share its branch, and names of JavaScript objects are names', () => {
  const trees = configTrees([
    { op: 'delete', path: ['nat', 'destination', 'rule', '9'] },
    { op: 'set', path: [...rule, 'protocol', 'tcp'] },
    { op: 'set', path: [...rule, 'disable'] },
    { op: 'set', path: ['service', 'constructor', '__proto__'] },
  ]);
  assert.equal(
    JSON.stringify(trees),
    JSON.stringify({
      delete: { nat: { destination: { rule: { 9: {} } } } },
      set: {
        nat: { destination: { rule: { 10000: { protocol: { tcp: {} }, disable: {} } } } },
        service: { constructor: { ['__proto__']: {} } },
      },
    }),
  );
});
