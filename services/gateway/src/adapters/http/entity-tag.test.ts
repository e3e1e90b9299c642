import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matches } from './entity-tag.ts';

test('an ETag is recognised alone, in a list, weak, and by the star', () => {
  for (const header of ['"a"', 'W/"a"', '"x", "a"', '"x",W/"a" ', '*'])
    assert.equal(matches(header, '"a"'), true, header);
  for (const header of [undefined, '', 'a', '"b"', '"A"', '"a']) assert.equal(matches(header, '"a"'), false, header);
});
