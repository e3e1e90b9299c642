import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forwardFieldOf } from './forward-field.ts';

test('the ports of a command are named as the body wrote them', () => {
  const body = {
    ports: ['ssh', { internal_ports: '1-2000', external_port: 5 }],
    internal_port: 1,
    external_ports: '5',
  };
  for (const [field, expected] of [
    ['ports[1].internal_port_end', 'ports[1].internal_ports'],
    ['ports[1].internal_port', 'ports[1].internal_ports'],
    ['ports[1].external_port', 'ports[1].external_port'],
    ['ports[1].external_port_end', 'ports[1].external_port'],
    ['internal_port_end', 'internal_port'],
    ['external_port', 'external_ports'],
    ['ports[0].internal_port_end', 'ports[0].internal_ports'],
    ['ports[7].internal_port', 'ports[7].internal_port'],
    ['ports[1].name', 'ports[1].name'],
    ['external_port_count', 'external_port_count'],
  ] as const) {
    assert.equal(forwardFieldOf(field, body), expected, field);
  }
  assert.equal(forwardFieldOf('ports[0].internal_port_end'), 'ports[0].internal_ports');
});
