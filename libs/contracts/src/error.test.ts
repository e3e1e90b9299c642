import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError, errorKinds } from '@berth/errors';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { fromErrorMessage, toErrorMessage } from './error.ts';
import { ErrorSchema } from './gen/berth/common/v1/error_pb.js';

test('an error survives being a message, whatever its texts hold', () => {
  const text = fc.string({ unit: 'grapheme' });
  const errors = fc.record({
    kind: fc.constantFrom(...errorKinds),
    code: text,
    message: text,
    fields: fc.array(fc.record({ field: text, message: text }, { noNullPrototype: true })),
    retryAfterSeconds: fc.double({ noNaN: false }),
  });
  fc.assert(
    fc.property(errors, ({ kind, code, message, fields, retryAfterSeconds }) => {
      const error = new DomainError(kind, code, message, { fields, retryAfterSeconds });
      const arrived = fromErrorMessage(fromBinary(ErrorSchema, toBinary(ErrorSchema, toErrorMessage(error))));
      assert.deepEqual([arrived.kind, arrived.code, arrived.message], [kind, code, message]);
      assert.deepEqual(arrived.details.fields ?? [], fields);
      const seconds = arrived.details.retryAfterSeconds ?? 0;
      assert.ok(Number.isInteger(seconds) && seconds >= 0);
      if (retryAfterSeconds <= 2 ** 32 - 1) assert.ok(seconds >= retryAfterSeconds);
    }),
  );
});
