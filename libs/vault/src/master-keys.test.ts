import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { envReader } from '@berth/service-kit';
import { readMasterKeys } from './master-keys.ts';

/** 32 bytes that look random, and are the same each time. */
const base64 = (seed: number) => createHash('sha256').update(String(seed)).digest('base64');

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

test('a key that somebody could guess does not write, without being shown, and may still read', () => {
  const row = Buffer.from(Array.from({ length: 32 }, (_, at) => at));
  const half = createHash('sha256').update('half').digest().subarray(0, 16);
  const weak: readonly (readonly [Buffer, RegExp])[] = [
    [Buffer.alloc(32), /the key a repeats the same few bytes/],
    [Buffer.from('0123456701234567012345670123456f'), /the key a repeats the same few bytes/],
    [row, /the key a is bytes in a row/],
    [Buffer.concat([half, half]), /the key a repeats/],
    [Buffer.from('Correct horse battery staple, 1!'), /the key a is text/],
  ];
  for (const [bytes, reason] of weak) {
    const text = bytes.toString('base64');
    assert.throws(
      () => idsOf({ BERTH_ENCRYPTION_KEYS: `a:${text}` }),
      (error: Error) => reason.test(error.message) && !error.message.includes(text),
    );
    assert.equal(idsOf({ BERTH_ENCRYPTION_KEYS: `new:${base64(1)},a:${text}` }).length, 2);
  }
});
