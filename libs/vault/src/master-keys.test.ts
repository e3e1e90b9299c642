import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { envReader } from '@berth/service-kit';
import { readMasterKeys } from './master-keys.ts';

const base64 = (fill: number) => Buffer.alloc(32, fill).toString('base64');

const idsOf = (env: Record<string, string>) => {
  const read = envReader(env);
  return read.finish(readMasterKeys(read)).map(({ id, bytes }) => [id, bytes.length]);
};

test('keys come from a list, the first being the one that writes', () => {
  assert.deepEqual(idsOf({ BERTH_ENCRYPTION_KEYS: ` new:${base64(1)}, old:${base64(2)} ` }), [
    ['new', 32],
    ['old', 32],
  ]);
  assert.deepEqual(idsOf({}), []);
});

test('keys come from a file, one a line', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'master-keys-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'keys');
  writeFileSync(file, `new:${base64(1)}\nold:${base64(2)}\n`);
  assert.equal(idsOf({ BERTH_ENCRYPTION_KEY_FILE: file }).length, 2);
  assert.throws(() => idsOf({ BERTH_ENCRYPTION_KEY_FILE: join(folder, 'nothing') }), /BERTH_ENCRYPTION_KEY_FILE/);
  assert.throws(
    () => idsOf({ BERTH_ENCRYPTION_KEY_FILE: file, BERTH_ENCRYPTION_KEYS: `a:${base64(1)}` }),
    /choose one/,
  );
});

test('a list that is not one is refused, without showing it', () => {
  const short = Buffer.alloc(31, 1).toString('base64');
  for (const text of [base64(1), `a:${short}`, `a:${base64(1)},a:${base64(2)}`, `a:${base64(1)},x`, ',']) {
    assert.throws(
      () => idsOf({ BERTH_ENCRYPTION_KEYS: text }),
      (error: Error) => error.message.includes('BERTH_ENCRYPTION_KEYS') && !error.message.includes(base64(1)),
    );
  }
});
