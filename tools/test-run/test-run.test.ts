import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@berth/testing';
import { readArguments } from './arguments.ts';
import { findTestFiles } from './find-test-files.ts';

test('paths and name patterns are told apart, and an unknown option is refused', () => {
  assert.deepEqual(readArguments(['./libs/errors/', '--test-name-pattern=lease']), {
    paths: ['libs/errors'],
    namePatterns: ['lease'],
  });
  assert.throws(() => readArguments(['--watch']), /Unknown option --watch/);
});

test('whole-system scenarios come first, then integration tests; other files and installed packages are no tests', (t) => {
  const root = temporaryFolder(t);
  const files = [
    'libs/errors/src/wire.test.ts',
    'libs/errors/src/wire.ts',
    'libs/errors-old/src/wire.test.ts',
    'libs/errors/node_modules/x/x.test.ts',
    'services/auth/test/integration/keys.test.ts',
    'test/e2e/test/storm.test.ts',
    'tools/check/violations/a/libs/a.test.ts',
  ];
  for (const file of files) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), '');
  }
  const found = (...paths: string[]) => findTestFiles(root, paths).map((file) => relative(root, file));
  assert.deepEqual(found(), [
    'test/e2e/test/storm.test.ts',
    'services/auth/test/integration/keys.test.ts',
    'libs/errors-old/src/wire.test.ts',
    'libs/errors/src/wire.test.ts',
  ]);
  assert.deepEqual(found('libs/errors'), ['libs/errors/src/wire.test.ts']);
});
