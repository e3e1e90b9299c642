import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AuthService } from './gen/berth/auth/v1/auth_service_pb.js';
import { streams, subjectOfMethod, subjects } from './subjects.ts';

const streamOf = (subject: string) =>
  Object.values(streams)
    .filter(({ subjects: pattern }) => subject.startsWith(pattern.replace(/>$/, '')))
    .map(({ name }) => name);

test('every kept subject belongs to one stream, notices to none', () => {
  assert.deepEqual(streamOf(subjects.routerChange('r')), ['ROUTER_CHANGES']);
  assert.deepEqual(streamOf(subjects.routerChangeSettled('r')), ['ROUTER_EVENTS']);
  assert.deepEqual(streamOf(subjects.routerStatus('r')), ['ROUTER_EVENTS']);
  assert.deepEqual(streamOf(subjects.operationEnded('o')), ['EVENTS']);
  assert.deepEqual(streamOf(subjects.accessPosition), []);
});

test('a name of any kind is one token of a subject, and different names are different tokens', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 });
  const tokenOf = (text: string) => subjects.routerChange(text).slice('router-changes.'.length);
  fc.assert(
    fc.property(name, name, (one, two) => {
      assert.match(tokenOf(one), /^[^\s.*>]+$/);
      assert.equal(tokenOf(one) === tokenOf(two), one === two);
    }),
  );
});

test('each method is asked on a subject of its own below the prefix', () => {
  const all = Object.values(AuthService.method).map((method) => subjectOfMethod('berth', method));
  assert.equal(new Set(all).size, AuthService.methods.length);
  assert.equal(
    subjectOfMethod('berth', AuthService.method.verifyApiKey),
    'berth.rpc.berth.auth.v1.AuthService.VerifyApiKey',
  );
});
