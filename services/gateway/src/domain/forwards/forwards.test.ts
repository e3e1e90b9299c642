import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DomainError } from '@berth/errors';
import { FieldChecks } from '../field-checks.ts';
import {
  type ForwardChangesInput,
  type NewForwardInput,
  parseForwardChange,
  parseForwardChanges,
  parseNewForwards,
} from './change-forwards.ts';
import type { ForwardInput } from './forwards.ts';

function wrongFieldsOf(parse: (checks: FieldChecks) => unknown): readonly string[] {
  const checks = new FieldChecks();
  parse(checks);
  try {
    checks.finish();
    return [];
  } catch (error) {
    return error instanceof DomainError ? (error.details.fields ?? []).map(({ field }) => field) : ['?'];
  }
}
const wrongFields = (ports: readonly (string | NewForwardInput)[]) =>
  wrongFieldsOf((checks) => parseNewForwards(ports, (index) => `ports[${index}]`, checks));
const wrongOne = (more: ForwardInput) =>
  wrongFieldsOf((checks) => parseNewForwards([{ name: 'x', ...more }], () => '', checks));
const wrongChanges = (changes: ForwardChangesInput) => wrongFieldsOf((checks) => parseForwardChanges(changes, checks));
const one = (more: ForwardInput) => parseNewForwards([{ name: 'x', ...more }], () => '', new FieldChecks())[0];

test('names of the template and full forwards are taken side by side', () => {
  const postgres = { name: 'postgres', internal_port: 5432, source: '198.51.100.0/24', description: 'for team a' };
  assert.deepEqual(wrongFields(['ssh', 'gopher', postgres, { name: 'http', external_port: 40_000 }]), []);
});

test('names that routes take, and names given twice, are refused', () => {
  assert.deepEqual(wrongFields([{ name: 'status', internal_port: 1 }, 'template']), ['ports[0].name', 'ports[1]']);
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
  const unsaid = (name: string) => ({ name, internal_port: 53, external_port: 5353 });
  assert.deepEqual(wrongFields([unsaid('a'), unsaid('b')]), ['ports[1].external_port']);
  const ofTemplate = (name: string) => ({ name, external_port: 5353 });
  assert.deepEqual(wrongFields([ofTemplate('a'), ofTemplate('b')]), [], 'only the template knows the protocols');
});

test('ranges of external ports must not overlap, and may touch', () => {
  const on = (name: string, external_ports: string) => ({ name, internal_port: 80, external_ports });
  assert.deepEqual(wrongFields([on('a', '5000-5009'), on('b', '5010-5019')]), []);
  assert.deepEqual(wrongFields([on('a', '5000-5010'), on('b', '5010-5019')]), ['ports[1].external_ports']);
  const first = { name: 'c', internal_ports: '80-89', external_port: 5_005 };
  assert.deepEqual(wrongFields([on('a', '5014-5019'), first]), ['ports[1].external_port']);
});

test('a range is written by its ends or as text; the first of as many external ports will do', () => {
  const internal = { first: 8_000, last: 8_009 };
  assert.deepEqual(one({ internal_ports: '8000-8009' })?.internal, internal);
  const wish = one({ internal_ports: internal, external_port: 40_000 });
  assert.deepEqual([wish?.internal, wish?.external], [internal, { first: 40_000, last: 40_009 }]);
  const many = one({ internal_port: 80, external_ports: '40000-40099' });
  assert.deepEqual(
    [many?.internal, many?.external],
    [
      { first: 80, last: 80 },
      { first: 40_000, last: 40_099 },
    ],
  );
});

test('ranges that are reversed, out of bounds or of another length are refused', () => {
  for (const [input, field] of [
    [{ internal_ports: { first: 9, last: 8 } }, 'internal_ports.last'],
    [{ internal_ports: '9-8' }, 'internal_ports'],
    [{ internal_ports: '0-8' }, 'internal_ports'],
    [{ internal_ports: '8-65536' }, 'internal_ports'],
    [{ internal_ports: '8' }, 'internal_ports'],
    [{ internal_ports: '8-9', internal_port: 8 }, 'internal_ports'],
    [{ external_ports: '1023-1024' }, 'external_ports'],
    [{ external_ports: '2000-2001', external_port: null }, 'external_ports'],
    [{ internal_ports: '8-9', external_ports: '2000-2002' }, 'external_ports'],
    [{ internal_ports: '8-9', external_port: 65_535 }, 'external_port'],
    [{ internal_ports: '8-9', external_port_count: 2 }, 'external_port_count'],
    [{ external_port_count: 2, external_port: 2_000 }, 'external_port_count'],
  ] as [ForwardInput, string][]) {
    assert.deepEqual(wrongOne(input), [field], JSON.stringify(input));
  }
});

test('sources are different addresses or networks, given in one way', () => {
  assert.deepEqual(wrongOne({ source: '192.0.2.7' }), []);
  assert.deepEqual(one({ source: '192.0.2.7' })?.sources, ['192.0.2.7']);
  assert.deepEqual(one({ source: null })?.sources, []);
  assert.deepEqual(one({ sources: null })?.sources, []);
  assert.equal(one({})?.sources, undefined);
  for (const source of ['192.0.2.7/24', '!192.0.2.7', 'any', '', '2001:db8::1', '192.0.2.7/33', '192.0.2.007']) {
    assert.deepEqual(wrongOne({ source }), ['source'], source);
    assert.deepEqual(wrongOne({ sources: ['192.0.2.1', source] }), ['sources[1]'], source);
  }
  assert.deepEqual(wrongOne({ sources: ['192.0.2.1', '192.0.2.1'] }), ['sources[1]']);
  assert.deepEqual(wrongOne({ sources: ['192.0.2.1'], source: '192.0.2.1' }), ['sources']);
});

test('descriptions hold nothing that the router would misread', () => {
  for (const description of ["it's", '"a"', 'a\nb', ' a', 'a\u0007', '\ud800', 'x'.repeat(256), 'a\u2028b'])
    assert.deepEqual(wrongOne({ description }), ['description'], JSON.stringify(description));
  assert.deepEqual(wrongOne({ description: 'ünïcode \\ $(x) `y` ok ' }), []);
  assert.equal(one({ description: null })?.description, '');
});

test('a change of one forward may rename it, but not to what a route takes', () => {
  const change = parseForwardChange('ssh', { name: 'admin', external_port: null }, new FieldChecks());
  assert.deepEqual([change.name, change.newName, change.external, change.internal], ['ssh', 'admin', null, undefined]);
  assert.deepEqual(
    wrongFieldsOf((checks) => parseForwardChange('ssh', { name: 'status' }, checks)),
    ['name'],
  );
});

test('a name is in one of the lists of a change only, and becomes the name of one forward', () => {
  const a = { name: 'a', internal_port: 1 };
  assert.deepEqual(wrongChanges({ create: [a], update: [{ name: 'b' }], delete: ['c'] }), []);
  assert.deepEqual(wrongChanges({ create: [a], update: [{ name: 'a' }], delete: ['a'] }), [
    'update[0].name',
    'delete[0]',
  ]);
  assert.deepEqual(wrongChanges({ delete: ['c', 'c'] }), ['delete[1]']);
  assert.deepEqual(wrongChanges({ create: [a], update: [{ name: 'b', new_name: 'a' }] }), ['update[0].new_name']);
  const both = [
    { name: 'b', new_name: 'd' },
    { name: 'c', new_name: 'd' },
  ];
  assert.deepEqual(wrongChanges({ update: both }), ['update[1].new_name']);
  assert.deepEqual(wrongChanges({ update: [{ name: 'b', new_name: 'template' }] }), ['update[0].new_name']);
  assert.deepEqual(wrongChanges({ update: [{ name: 'b', new_name: 'c' }], delete: ['c'] }), []);
});

test('a change has between 1 and 100 forwards, whose external ports do not overlap', () => {
  assert.deepEqual(wrongChanges({}), ['body']);
  assert.deepEqual(wrongChanges({ create: [], delete: [] }), ['body']);
  const names = (count: number, prefix: string) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);
  const update = names(50, 'u').map((name) => ({ name, enabled: false }));
  assert.deepEqual(wrongChanges({ update, delete: names(50, 'd') }), []);
  assert.deepEqual(wrongChanges({ update, delete: names(51, 'd') }), ['delete[50]']);
  const create = [{ name: 'a', internal_port: 1, external_port: 2_000 }];
  const moved = { name: 'b', external_ports: '1999-2001', protocol: 'both' } as const;
  assert.deepEqual(wrongChanges({ create, update: [moved] }), ['update[0].external_ports']);
});
