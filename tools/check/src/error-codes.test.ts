import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const sources = globSync('{libs,services}/*/src/**/*.ts', { cwd: root, exclude: ['**/gen/**', '**/*.test.ts'] });

/** Codes as they are raised: the second argument of a DomainError, whose first is its kind. */
const raised = new Set(
  sources.flatMap((path) =>
    [...readFileSync(join(root, path), 'utf8').matchAll(/DomainError\(\s*'[a-z_]+',\s*'([A-Z_]+)'/g)].map(
      (match) => match[1],
    ),
  ),
);
const rows = [...readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].flatMap(
  (row) => [...(row[1] ?? '').matchAll(/[A-Z_]+/g)].map(String),
);
const documented = new Set(rows);

test('every error code that is raised is explained in docs/errors.md', () => {
  assert.ok(raised.size > 30, 'the search finds the codes');
  assert.deepEqual(
    [...raised].filter((code) => code !== undefined && !documented.has(code)),
    [],
  );
});

test('docs/errors.md explains each code once', () => {
  assert.deepEqual(
    rows.filter((code, index) => rows.indexOf(code) !== index),
    [],
  );
});

test('docs/errors.md explains no code that is nowhere in the sources', () => {
  const text = sources.map((path) => readFileSync(join(root, path), 'utf8')).join('\n');
  assert.deepEqual(
    [...documented].filter((code) => !text.includes(`'${code}'`)),
    [],
  );
});
