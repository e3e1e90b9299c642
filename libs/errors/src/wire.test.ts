import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DomainError, type ErrorDetails, errorKinds } from './domain-error.ts';
import { fromWire, toWire } from './wire.ts';

const details: fc.Arbitrary<ErrorDetails> = fc.record(
  {
    fields: fc.array(fc.record({ field: fc.string(), message: fc.string() }, { noNullPrototype: true }), {
      minLength: 1,
    }),
    retryAfterSeconds: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    operationId: fc.uuid(),
    resource: fc.record({ type: fc.string({ minLength: 1 }), name: fc.string() }, { noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const errors = fc
  .tuple(fc.constantFrom(...errorKinds), fc.string(), fc.string(), details)
  .map(([kind, code, message, rest]) => new DomainError(kind, code, message, rest));

test('what the caller may see of an error survives the way through another service', () => {
  fc.assert(
    fc.property(errors, (error) => {
      const arrived = fromWire(toWire(error));
      assert.ok(arrived instanceof DomainError);
      assert.deepEqual(
        [arrived.kind, arrived.code, arrived.message, arrived.details],
        [error.kind, error.code, error.message, { ...error.details }],
      );
    }),
  );
});

test('what is for the log alone does not leave the process', () => {
  const error = new DomainError('conflict', 'TAKEN', 'Taken.', { holder: 'planted' }, { cause: new Error('planted') });
  assert.ok(!JSON.stringify(toWire(error)).includes('planted'));
  assert.ok(!JSON.stringify(fromWire(toWire(error))).includes('planted'));
});

test('seconds are whole, never negative, never too early and fit their field', () => {
  const seconds = (retryAfterSeconds: number) =>
    toWire(new DomainError('unavailable', 'X', 'x', { retryAfterSeconds })).retryAfterSeconds;
  assert.deepEqual([0.2, 1, 1.01, 0, -5, Number.NaN].map(seconds), [1, 1, 2, 0, 0, 0]);
  assert.equal(seconds(Number.POSITIVE_INFINITY), 2 ** 32 - 1);
});

test('a kind that this version does not know is a bug, not a success', () => {
  assert.equal(fromWire({ ...toWire(new DomainError('invalid', 'X', 'x')), kind: 'of the future' }).kind, 'bug');
});
