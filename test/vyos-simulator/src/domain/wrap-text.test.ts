import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill } from './wrap-text.ts';

test('lines end at 72 and words break after hyphens, as the router wraps its errors', () => {
  assert.equal(
    fill('Configured static lease address for mapping "vm2" is\nnot within shared-network "LAN, 10.10.0.0/16"!', 72),
    'Configured static lease address for mapping "vm2" is not within shared-\nnetwork "LAN, 10.10.0.0/16"!',
  );
  assert.equal(
    fill('Destination NAT configuration error in rule 110: translation requires address and/or port', 72),
    'Destination NAT configuration error in rule 110: translation requires\naddress and/or port',
  );
});

test('warnings end at 70', () => {
  assert.equal(
    fill('WARNING: Interface "eth9" for destination NAT rule "41" does not exist!', 70),
    'WARNING: Interface "eth9" for destination NAT rule "41" does not\nexist!',
  );
});

test('a word longer than a line is cut', () => {
  assert.equal(fill(`x ${'y'.repeat(12)} z`, 5), 'x yyy\nyyyyy\nyyyy\nz');
});

test('pieces are those of Python', () => {
  assert.equal(fill('a-b-cc--dd non-stop 10-20 x-y', 6), 'a-b-cc\n--dd\nnon-\nstop\n10-20\nx-y');
});

test('an empty text stays empty and blanks at the ends of lines are dropped', () => {
  assert.equal(fill('', 72), '');
  assert.equal(fill('aa   bb', 3), 'aa\nbb');
});
