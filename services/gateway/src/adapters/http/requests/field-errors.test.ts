import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { Settings } from 'typebox/system';
import { limitsBody } from '../limits/limit-schemas.ts';
import { time } from '../users/access-values.ts';
import { updateGroupBody } from '../users/group-schemas.ts';
import { provisionVmBody } from '../vms/vm-schemas.ts';
import { toFieldErrors } from './field-errors.ts';

Settings.Set({ maxErrors: 200 }); // as the schema compiler does
const check = Compile(provisionVmBody);
const fieldsOf = (body: unknown) =>
  Object.fromEntries(
    toFieldErrors(check.Errors(body), provisionVmBody, 'body').map((error) => [error.field, error.message]),
  );

test('missing and unknown fields are named by their path', () => {
  assert.deepEqual(fieldsOf({ colour: 1, ports: [{ name: 'a', size: 1 }] }), {
    vm_name: 'is required',
    colour: 'is not known here',
    'ports[0].size': 'is not known here',
  });
});

test('what may be chosen is named, numbers too', () => {
  const rule = { subject: 'user', endpoint_group: '', window_seconds: 61, requests: 1, mode: 'block' };
  const errors = toFieldErrors(Compile(limitsBody).Errors({ rules: [rule] }), limitsBody, 'body');
  assert.deepEqual(errors, [{ field: 'rules[0].window_seconds', message: 'must be one of 60, 3600, 86400' }]);
});

test('of alternatives, the one that was meant tells what is wrong', () => {
  const fields = fieldsOf({ vm_name: 'a', ports: ['ssh', { name: 'a', internal_port: 0 }, 'not a name'] });
  assert.deepEqual(Object.keys(fields), ['ports[1].internal_port', 'ports[2]']);
});

test('when no alternative was surely meant, the field itself is named, with the forms it may have', () => {
  const forms = { ip_range: 'must be {base,start,end}, {cidr} or {first,last}' };
  for (const ip_range of [5, {}, { first: '10.0.0.1' }, { cidr: '10.0.0.0/24', last: '10.0.0.2' }]) {
    assert.deepEqual(fieldsOf({ vm_name: 'a', ip_range }), forms, JSON.stringify(ip_range));
  }
  assert.deepEqual(fieldsOf({ vm_name: 'a', ports: [5] }), {
    'ports[0]':
      'must be text or {name,protocol?,internal_port?,internal_ports?,external_port?,external_ports?,external_port_count?,source?,sources?,description?,enabled?}',
  });
});

test('of alternatives of one type, the one with the same members was meant', () => {
  const ip_range = { base: '10.10.1', start: 1.5, end: '9' };
  const message = 'must be a whole number';
  assert.deepEqual(fieldsOf({ vm_name: 'a', ip_range }), { 'ip_range.start': message, 'ip_range.end': message });
  assert.deepEqual(fieldsOf({ vm_name: 'a', ip_range: { cidr: 5 } }), { 'ip_range.cidr': 'must be text' });
});

test('a wrong element does not hide what is wrong in another whose number begins alike', () => {
  const ports: unknown[] = Array.from({ length: 11 }, (_, index) => ({ name: `p${index}`, internal_port: 1 }));
  ports[1] = 5;
  ports[10] = { name: 'a', internal_port: 'x' };
  assert.deepEqual(Object.keys(fieldsOf({ vm_name: 'a', ports })), ['ports[1]', 'ports[10].internal_port']);
});

test('types are told in words', () => {
  assert.deepEqual(fieldsOf({ vm_name: 5, port_range: { start: '2000', end: 2000.5 }, metadata: [], ports: {} }), {
    vm_name: 'must be text',
    'port_range.start': 'must be a whole number',
    'port_range.end': 'must be a whole number',
    metadata: 'must be an object',
    ports: 'must be a list',
  });
});

test('what is empty, or no time, is told in words', () => {
  const saying = (schema: TSchema, value: unknown) => toFieldErrors(Compile(schema).Errors(value), schema, 'body');
  const body = Type.Object({
    name: Type.String({ minLength: 1 }),
    list: Type.Array(Type.Any(), { minItems: 1 }),
    at: time(),
  });
  assert.deepEqual(saying(body, { name: '', list: [], at: 'soon' }), [
    { field: 'name', message: 'must not be empty' },
    { field: 'list', message: 'must not be empty' },
    { field: 'at', message: 'must be a time such as 2026-11-22T08:00:00Z' },
  ]);
  assert.deepEqual(saying(updateGroupBody, {}), [{ field: 'body', message: 'must have at least one member' }]);
});

test('a body that is no object is named as a whole', () => {
  for (const body of [null, 5, [], 'x', undefined])
    assert.deepEqual(Object.keys(fieldsOf(body)), ['body'], JSON.stringify(body));
});
