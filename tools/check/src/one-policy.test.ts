import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');

/** Code that judges by itself what somebody may do, instead of asking libs/contracts/src/permissions.ts. */
const ownJudgement = [
  /\b(?:caller|principal|asker)\b\)?[?!]?\.group\s*[!=]==?/i,
  /[!=]==?\s*(?:\w+\.)*(?:caller|principal|asker)[?!]?\.group\b/i,
  /\b(?:caller|principal|asker)\b[?!]?\.(?:permissions|grants)[?!]?\.(?:includes|some|every|find|filter)\b/i,
];

const judges = (line: string): boolean => ownJudgement.some((one) => one.test(line));

test('no service judges by itself whose things somebody may see or change', () => {
  const files = globSync('{services/*/src,libs/access/src,libs/messaging/src}/**/*.ts', { cwd: root }).filter(
    (path) => !path.endsWith('.test.ts'),
  );
  assert.ok(files.length > 200);
  const found = files.flatMap((path) =>
    readFileSync(join(root, path), 'utf8')
      .split('\n')
      .flatMap((line, at) => (judges(line) ? [`${path}:${at + 1} ${line.trim()}`] : [])),
  );
  assert.deepEqual(found, []);
});

test('judgements of one’s own are recognised', () => {
  for (const line of [
    "if (caller.group !== '') throw refused();",
    "if (principal?.group === '') return;",
    'return vm.ownerGroup === command.caller.group;',
    "principal.permissions.includes('vms:read')",
    'caller.grants.some(({ group }) => group === vm.ownerGroup)',
  ])
    assert.ok(judges(line), line);
  for (const line of ['const row = rows.find((one) => one.group === group);', 'const { group } = homeOf(caller);'])
    assert.ok(!judges(line), line);
});
