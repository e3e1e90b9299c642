import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Compile } from 'typebox/compile';
import { provisionVmBody } from './documents/vm.ts';
import { toFieldErrors } from './field-errors.ts';

const check = Compile(provisionVmBody);
const fieldsOf = (body: unknown) =>
  Object.fromEntries(toFieldErrors(check.Errors(body), 'body').map((error) => [error.field, error.message]));

test('missing and unknown fields are named by their path', () => {
  assert.deepEqual(fieldsOf({ colour: 1, ports: [{ name: 'a', size: 1 }] }), {
    vm_name: 'is required',
    colour: 'is not known here',
    'ports[0].size': 'is not known here',
  });
});

test('of alternatives, the one that was meant tells what is wrong', () => {
  const fields = fieldsOf({ vm_name: 'a', ports: ['ssh', { name: 'a', internal_port: 0 }, 'not a name'] });
  assert.deepEqual(Object.keys(fields), ['ports[1].internal_port', 'ports[2]']);
});

test('when no alternative was surely meant, the field itself is named', () => {
  assert.deepEqual(fieldsOf({ vm_name: 'a', ip_range: { first: '10.0.0.1' } }), {
    ip_range: 'has none of the forms that it may have',
  });
  assert.deepEqual(fieldsOf({ vm_name: 'a', ip_range: 5 }), { ip_range: 'has none of the forms that it may have' });
});

test('a body that is no object is named as a whole', () => {
  for (const body of [null, 5, [], 'x', undefined])
    assert.deepEqual(Object.keys(fieldsOf(body)), ['body'], JSON.stringify(body));
});
