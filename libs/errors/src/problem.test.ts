import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError, errorKinds, isKind, toDomainError } from './domain-error.ts';
import { statusOf, toProblem } from './problem.ts';

test('every kind has a status of its own class', () => {
  const statuses = Object.fromEntries(errorKinds.map((kind) => [kind, statusOf(kind)]));
  assert.deepEqual(statuses, {
    invalid: 422,
    unauthenticated: 401,
    forbidden: 403,
    not_found: 404,
    conflict: 409,
    precondition_failed: 412,
    unprocessable: 422,
    too_large: 413,
    exhausted: 507,
    rate_limited: 429,
    rejected: 502,
    unavailable: 503,
    bug: 500,
  });
});

test('a problem says what the caller may know, and nothing of details and cause', () => {
  const fields = [{ field: 'ports[0].name', message: 'is missing' }];
  const error = new DomainError(
    'invalid',
    'VM_INVALID',
    'The VM is not valid.',
    { fields, sql: 'SELECT planted' },
    { cause: new Error('planted') },
  );
  const problem = toProblem(error, { instance: '/v1/vms', traceId: 'abc' });
  assert.deepEqual(problem, {
    type: 'https://berth.invalid/errors/VM_INVALID',
    title: 'The request is not valid',
    status: 422,
    detail: 'The VM is not valid.',
    instance: '/v1/vms',
    code: 'VM_INVALID',
    trace_id: 'abc',
    errors: fields,
  });
});

test('an unforeseen failure tells the caller nothing and keeps its cause for the log', () => {
  const failure = new TypeError('planted');
  const error = toDomainError(failure);
  assert.ok(isKind(error, 'bug'));
  assert.equal(error.cause, failure);
  assert.ok(!JSON.stringify(toProblem(error)).includes('planted'));
  assert.equal(toDomainError(error), error);
  for (const odd of [undefined, null, 'text', 42]) assert.equal(toDomainError(odd).kind, 'bug');
});
