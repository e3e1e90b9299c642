import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findViolations } from './find-violations.ts';
import { importRules, structuralRules } from './rules.ts';
import { readSourceTree } from './source-tree.ts';

const planted = join(import.meta.dirname, '../violations');
const rules = [...importRules, ...structuralRules];

test('every rule has a planted violation, and every planted violation has a rule', () => {
  assert.deepEqual(readdirSync(planted).sort(), rules.map((rule) => rule.name).sort());
});

for (const { name } of rules) {
  test(`the violation planted for ${name} is caught by that rule alone`, () => {
    const broken = findViolations(readSourceTree(join(planted, name)));
    assert.deepEqual(
      broken.map((rule) => rule.name),
      [name],
    );
  });
}

test('the repository itself keeps every rule', () => {
  const tree = readSourceTree(join(import.meta.dirname, '../../..'));
  assert.ok(tree.files.length > 50);
  assert.deepEqual(findViolations(tree), []);
});
