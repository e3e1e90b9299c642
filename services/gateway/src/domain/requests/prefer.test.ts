import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mayWait, parsePrefer, waitMsOf } from './prefer.ts';

test('wait and respond-async are read in any order and case, also quoted, beside others', () => {
  assert.deepEqual(parsePrefer('wait=7'), { respondAsync: false, waitSeconds: 7 });
  assert.deepEqual(parsePrefer('Respond-Async, WAIT = "7"; foo'), { respondAsync: true, waitSeconds: 7 });
  assert.deepEqual(parsePrefer('return=minimal, wait=3, wait=9'), { respondAsync: false, waitSeconds: 3 });
});

test('a longer wait is shortened, a malformed one ignored', () => {
  for (const seconds of ['121', '99999999999', '9'.repeat(1_000)]) {
    assert.equal(parsePrefer(`wait=${seconds}`).waitSeconds, 120, seconds);
  }
  for (const header of ['wait', 'wait=', 'wait=-1', 'wait=1.5', 'wait=x', 'wait=1e3']) {
    assert.deepEqual(parsePrefer(header), { respondAsync: false }, header);
  }
});

test('without a preference the default holds; respond-async alone does not wait, together with wait it does', () => {
  assert.equal(waitMsOf(parsePrefer(undefined), 30), 30_000);
  assert.equal(waitMsOf(parsePrefer('respond-async'), 30), 0);
  assert.equal(waitMsOf(parsePrefer('respond-async, wait=5'), 30), 5_000);
  assert.equal(mayWait(parsePrefer(undefined)), false);
  assert.equal(mayWait(parsePrefer('respond-async')), true);
  assert.equal(mayWait(parsePrefer('wait=0')), true);
});

test('no header is too strange to be read', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (header) => {
      const ms = waitMsOf(parsePrefer(header), 30);
      assert.ok(ms >= 0 && ms <= 120_000);
    }),
  );
});
