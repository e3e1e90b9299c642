import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigTree } from '../config-tree.ts';
import { asConfig } from '../inventory/foreign-objects.ts';
import { dialectFor } from './dialect.ts';
import { hasShapeOf } from './version-shape.ts';

const versions = ['1.3.8', '1.4.0', '1.5-rolling-202410210007'];
const lines = ['1.3', '1.4', '1.5'];

const written = (version: string): ConfigTree =>
  asConfig(
    dialectFor(version)?.contentOf({
      mapping: {
        network: 'LAN',
        subnet: '10.10.0.0/16',
        name: 'vm-1',
        macAddress: '52:54:00:00:00:01',
        ipAddress: '10.10.1.1',
      },
      rules: [
        {
          number: 10_000,
          inboundInterface: 'eth0',
          protocol: 'tcp',
          destinationAddress: '192.0.2.1',
          destinationPort: '32000',
          translationAddress: '10.10.1.1',
          translationPort: '22',
          sourceAddress: '',
          description: 'vm-1 ssh',
          disabled: false,
        },
      ],
    }) ?? new Map(),
  );

test('what one line writes is not taken for another line, whoever wrote it', () => {
  for (const [at, version] of versions.entries()) {
    const config = written(version);
    assert.deepEqual(
      lines.filter((line) => hasShapeOf(line, config)),
      [lines[at]],
      version,
    );
  }
});

test('a configuration in which the lines do not differ may be of any', () => {
  const config = { service: { 'dhcp-server': { 'shared-network-name': { LAN: { subnet: { '10.10.0.0/16': {} } } } } } };
  assert.ok(lines.every((line) => hasShapeOf(line, config)));
});

test('a subnet with an id, and an API that is switched on by itself, are of 1.5', () => {
  const subnet = { 'subnet-id': '1' };
  const dhcp = {
    service: { 'dhcp-server': { 'shared-network-name': { LAN: { subnet: { '10.10.0.0/16': subnet } } } } },
  };
  for (const config of [dhcp, { service: { https: { api: { rest: {} } } } }]) {
    assert.deepEqual(
      lines.filter((line) => hasShapeOf(line, config)),
      ['1.5'],
    );
  }
});
