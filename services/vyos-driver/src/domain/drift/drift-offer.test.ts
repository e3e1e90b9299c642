import assert from 'node:assert/strict';
import { test } from 'node:test';
import { offerId, offerOf } from './drift-offer.ts';

const key = 'nat\ndestination\nrule\n10000';
const expected = { description: 'berth web ssh', protocol: 'tcp', translation: { port: '22' } };
const item = (found: object | undefined, at = key) => ({ id: 'a', key: at, expected, found: found as never });

test('a disabled, described or deleted rule can be taken over', () => {
  const rules = offerOf([item({ ...expected, description: 'mine', disable: {} })]);
  assert.deepEqual(rules, [{ number: 10_000, deleted: false, disabled: true, description: 'mine' }]);
  assert.deepEqual(offerOf([item(undefined)]), [{ number: 10_000, deleted: true, disabled: false, description: '' }]);
});

test('another port, a mapping and a rule where none is wanted are reported with a reason', () => {
  for (const one of [
    item({ ...expected, translation: { port: '23' } }),
    item({ ...expected, log: {} }),
    item(undefined, 'service\ndhcp-server\nshared-network-name\nLAN'),
    { ...item(expected), expected: undefined },
    item({ protocol: 'tcp', translation: { port: '22' } }),
  ]) {
    assert.match(JSON.stringify(offerOf([one])), /"reason"/);
  }
});

test('the same findings have the same id in any order, and others another', () => {
  const [one, two] = [item(undefined), { ...item({ ...expected, disable: {} }), id: 'b' }];
  assert.equal(offerId([one, two]), offerId([two, one]));
  assert.notEqual(offerId([one]), offerId([two]));
  assert.match(offerId([one]), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
