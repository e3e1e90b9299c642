import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '@berth/errors';
import { parseIfMatch, parseIfTag } from './if-match.ts';

test('a tag asks for the version that it begins with; none and * ask for any', () => {
  assert.equal(parseIfMatch('"7"'), 7n);
  assert.equal(parseIfMatch(' "7-Zm9v" '), 7n);
  assert.equal(parseIfMatch(undefined), undefined);
  assert.equal(parseIfMatch('*'), undefined);
});

test('a weak tag, and one that was not given out here, never match', () => {
  for (const tag of ['W/"7"', '"0"', '"07"', '"x"', '""', '"7x"', '"9999999999999999999"'])
    assert.throws(
      () => parseIfMatch(tag),
      (error) => isKind(error, 'precondition_failed'),
      tag,
    );
});

test('what is no tag is an invalid request that names the header', () => {
  for (const text of ['', '7', '"7', '"7", "8"', '"a b"', "'7'"])
    assert.throws(
      () => parseIfMatch(text),
      (error) => isKind(error, 'invalid') && error.details.fields?.[0]?.field === 'If-Match',
      text,
    );
});

test('where tags are compared whole, a strong one is taken as it is', () => {
  assert.equal(parseIfTag(' "Zm9v" '), 'Zm9v');
  assert.equal(parseIfTag(undefined), '');
  assert.equal(parseIfTag('*'), '');
  for (const tag of ['W/"x"', '""'])
    assert.throws(
      () => parseIfTag(tag),
      (error) => isKind(error, 'precondition_failed'),
    );
  assert.throws(
    () => parseIfTag('x'),
    (error) => isKind(error, 'invalid'),
  );
});
