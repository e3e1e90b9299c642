import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WrongValue } from '../field-checks.ts';
import { parseRouterPath } from './router-path.ts';

test('a path is words, as they are typed on the router', () => {
  const rule = ['nat', 'destination', 'rule', '10010'];
  assert.deepEqual(parseRouterPath('nat destination rule 10010'), rule);
  assert.deepEqual(parseRouterPath(`set ${rule.join('  ')} description 'web ssh'`), [
    ...rule,
    'description',
    'web ssh',
  ]);
});

test('no word is no path', () => {
  for (const text of ['', '  ', 'set', 'x'.repeat(2_000)]) assert.throws(() => parseRouterPath(text), WrongValue);
});
