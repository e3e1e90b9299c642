import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { FieldChecks } from './field-checks.ts';
import { type ForwardInput, parseForwards } from './forwards.ts';

function wrongFields(ports: readonly (string | ForwardInput)[]): readonly string[] {
  const checks = new FieldChecks();
  parseForwards(ports, checks);
  try {
    checks.finish();
    return [];
  } catch (error) {
    return error instanceof DomainError ? (error.details.fields ?? []).map(({ field }) => field) : ['?'];
  }
}

test('names of the template and full forwards are taken side by side', () => {
  const postgres = { name: 'postgres', internal_port: 5432, source: '198.51.100.0/24', description: 'for team a' };
  assert.deepEqual(wrongFields(['ssh', postgres, { name: 'http', external_port: 40_000 }]), []);
});

test('a name beyond the template needs an internal port', () => {
  assert.deepEqual(wrongFields(['gopher', { name: 'rdp' }]), ['ports[0]', 'ports[1].name']);
});

test('names that routes take, and names given twice, are refused', () => {
  assert.deepEqual(
    wrongFields([
      { name: 'status', internal_port: 1 },
      { name: 'template', internal_port: 1 },
    ]),
    ['ports[0].name', 'ports[1].name'],
  );
  assert.deepEqual(wrongFields(['ssh', 'ssh']), ['ports[1]']);
});

test('an external port is taken once per protocol', () => {
  const on = (protocol: 'tcp' | 'udp' | 'both', name: string) => ({
    name,
    internal_port: 53,
    external_port: 5353,
    protocol,
  });
  assert.deepEqual(wrongFields([on('tcp', 'a'), on('udp', 'b')]), []);
  assert.deepEqual(wrongFields([on('tcp', 'a'), on('both', 'b')]), ['ports[1].external_port']);
});

test('sources are addresses or networks, descriptions hold nothing that the router would misread', () => {
  const wrong = (more: Partial<ForwardInput>) => wrongFields([{ name: 'x', internal_port: 1, ...more }]);
  assert.deepEqual(wrong({ source: '192.0.2.7' }), []);
  for (const source of ['192.0.2.7/24', '!192.0.2.7', 'any', ''])
    assert.deepEqual(wrong({ source }), ['ports[0].source'], source);
  for (const description of ["it's", '"a"', 'a\nb', ' a', 'a\u0007', '\ud800', 'x'.repeat(256), 'a\u2028b']) {
    assert.deepEqual(wrong({ description }), ['ports[0].description'], JSON.stringify(description));
  }
  assert.deepEqual(wrong({ description: 'ünïcode \\ $(x) `y` ok ' }), []);
});
