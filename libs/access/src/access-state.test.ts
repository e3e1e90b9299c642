import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccessFact, AccessFactSchema } from '@berth/contracts';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { AccessState } from './access-state.ts';

const fact = (fact: MessageInitShape<typeof AccessFactSchema>['fact'], untilMs?: number): AccessFact =>
  create(AccessFactSchema, {
    ...(fact && { fact }),
    ...(untilMs !== undefined && { until: timestampFromMs(untilMs) }),
  } as MessageInitShape<typeof AccessFactSchema>);

const session = (id: string, untilMs?: number) => fact({ case: 'session', value: { id } }, untilMs);

test('a newer fact about the same subject replaces the older one, and everything read anew replaces all', () => {
  const state = new AccessState();
  const news: unknown[] = [];
  state.onChange((one) => news.push(one === 'everything' ? one : one.case));
  state.apply([fact({ case: 'group', value: { name: 'a', permissions: ['vms:read'] } }), session('s')], 2n);
  assert.deepEqual(state.group('a')?.permissions, ['vms:read']);
  state.apply([fact({ case: 'group', value: { name: 'a', removed: true } })], 3n);
  assert.equal(state.group('a'), undefined);
  assert.deepEqual([state.hasEnded('s'), state.position, state.version], [true, 3n, 2]);
  state.replace([fact({ case: 'limits', value: { rules: '{}' } })], 1n);
  assert.deepEqual([state.hasEnded('s'), state.position, state.limitRules()], [false, 1n, '{}']);
  assert.deepEqual(news, ['group', 'session', 'group', 'everything']);
});

test('facts past their time count no more, and are dropped', () => {
  const state = new AccessState();
  state.apply([session('over', Date.now() - 1), session('later', Date.now() + 60_000), session('ever')], 1n);
  assert.deepEqual(
    ['over', 'later', 'ever'].map((id) => state.hasEnded(id)),
    [false, true, true],
  );
  state.dropOld(Date.now() + 61_000);
  assert.deepEqual(
    ['later', 'ever'].map((id) => state.hasEnded(id)),
    [false, true],
  );
});

test('who dropped facts by a clock that went back afterwards misses them until everything is read anew', () => {
  const state = new AccessState();
  const end = Date.now() + 60_000;
  state.apply([session('later', end), session('ever')], 1n);
  assert.ok(state.isComplete(0));
  state.dropOld(end + 3_600_000);
  assert.deepEqual([state.isComplete(end - 1), state.isComplete(end)], [false, true]);
  state.replace([session('later', end)], 1n);
  assert.ok(state.isComplete(0) && state.hasEnded('later'));
});

test('a block counts until its end, and one without an end is over', () => {
  const state = new AccessState();
  const block = (until?: number) =>
    fact({
      case: 'block',
      value: {
        subject: 'ip:192.0.2.1',
        reason: 'too much',
        ...(until !== undefined && { until: timestampFromMs(until) }),
      },
    });
  state.apply([block(Date.now() + 60_000)], 1n);
  assert.equal(state.blockOf('ip:192.0.2.1', Date.now())?.reason, 'too much');
  state.apply([block()], 2n);
  assert.equal(state.blockOf('ip:192.0.2.1', Date.now()), undefined);
});
