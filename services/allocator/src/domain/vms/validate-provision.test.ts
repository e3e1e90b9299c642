import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { plainWish } from '../forwards/forward-wish.ts';
import { type ProvisionWish, validateProvision } from './validate-provision.ts';

const good: ProvisionWish = {
  vmId: '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a11',
  vmName: 'web-1.example',
  macAddress: '5254.00AA.0001',
  hostname: '',
  addressRange: { first: '10.0.0.5', last: '10.0.0.9' },
  portRange: { first: 1_024, last: 65_535 },
  forwards: [
    plainWish('ssh'),
    { ...plainWish('dns'), internalPort: 53, sources: ['192.0.2.0/24'], description: 'a b' },
  ],
};

const wrongFields = (wish: Partial<ProvisionWish>): string[] => {
  try {
    validateProvision({ ...good, ...wish });
    return [];
  } catch (error) {
    assert.ok(error instanceof DomainError && error.kind === 'invalid');
    return (error.details.fields ?? []).map(({ field }) => field);
  }
};

test('what is right comes back in one form', () => {
  assert.deepEqual(validateProvision(good), {
    macAddress: '52:54:00:aa:00:01',
    addressRange: { first: 167_772_165, last: 167_772_169 },
  });
});

test('everything that is wrong is named at once', () => {
  const wrong = { vmName: '-x', macAddress: '01:00:5e:00:00:01', hostname: 'a_b', portRange: { first: 80, last: 90 } };
  assert.deepEqual(wrongFields(wrong), ['vm_name', 'hostname', 'mac_address', 'port_range']);
});

test('names that the router or the API could misread are refused', () => {
  for (const vmName of ['', 'a b', 'x'.repeat(64), '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a11', 'trailing-', "o'x"]) {
    assert.deepEqual(wrongFields({ vmName }), ['vm_name'], vmName);
  }
  for (const macAddress of ['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '52:54-00:aa:00:01', '52:54:00:aa:00']) {
    assert.deepEqual(wrongFields({ macAddress }), ['mac_address'], macAddress);
  }
});

test('ranges must be addresses in order', () => {
  assert.deepEqual(wrongFields({ addressRange: { first: '10.0.0.9', last: '10.0.0.5' } }), ['ip_range']);
  assert.deepEqual(wrongFields({ addressRange: { first: '10.0.0.09', last: '10.0.0.300' } }), ['ip_range']);
  assert.deepEqual(wrongFields({ portRange: { first: 4_000, last: 3_000 } }), ['port_range']);
});

test('texts of forwards are checked as the router needs them', () => {
  const forward = { ...plainWish('dns'), internalPort: 53 };
  const fieldsOf = (change: object) => wrongFields({ forwards: [{ ...forward, ...change }] });
  for (const description of ['a "b"', "it's", 'a\nb', ' a', 'x'.repeat(256)]) {
    assert.deepEqual(fieldsOf({ description }), ['ports[0].description'], description);
  }
  assert.deepEqual(fieldsOf({ internalPort: 0, internalPortEnd: 60 }), ['ports[0].internal_port']);
  assert.deepEqual(fieldsOf({ internalPortEnd: 52 }), ['ports[0].internal_port_end']);
  assert.deepEqual(fieldsOf({ internalPortEnd: 65_536 }), ['ports[0].internal_port_end']);
  assert.deepEqual(fieldsOf({ externalPort: 2_000, externalPortEnd: 1_999 }), ['ports[0].external_port_end']);
  assert.deepEqual(fieldsOf({ externalPortEnd: 2_000 }), ['ports[0].external_port']);
  assert.deepEqual(fieldsOf({ externalPort: 2_000, externalPortEnd: 2_001, externalPortCount: 3 }), [
    'ports[0].external_port_count',
  ]);
  const many = Array.from({ length: 17 }, (_, index) => `192.0.2.${index}`);
  assert.deepEqual(fieldsOf({ sources: many }), ['ports[0].sources']);
  assert.deepEqual(fieldsOf({ sources: ['192.0.2.1', '192.0.2.1'] }), ['ports[0].sources[1]']);
  assert.deepEqual(fieldsOf({ externalPort: 443 }), ['ports[0].external_port']);
  assert.deepEqual(fieldsOf({ sources: ['10.0.0.1/8'] }), ['ports[0].source']);
  assert.deepEqual(wrongFields({ forwards: [forward, { ...forward, name: 'DNS' }] }), ['ports[1].name']);
});

test('metadata that Postgres cannot keep is refused', () => {
  assert.deepEqual(wrongFields({ metadata: { a: [{ b: 'x\u0000' }] } }), ['metadata']);
  assert.deepEqual(wrongFields({ metadata: { a: '\\u0000', b: null } }), []);
});
