import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WrongValue } from '../field-checks.ts';
import { overlapsOf, parseAddressSpan, parseNumberSpan, showAddressSpan } from './value-spans.ts';

const ports = { minimum: 1_024, maximum: 65_535 };
const wrong = (part: string | undefined, text: RegExp) => (error: unknown) =>
  error instanceof WrongValue && error.within === part && text.test(error.message);

test('addresses may be named one by one, by their ends, or as a network', () => {
  const cases = [
    ['10.0.0.5', '10.0.0.5', '10.0.0.5'],
    ['10.0.0.5-10.0.0.9', '10.0.0.5', '10.0.0.9'],
    ['10.0.0.5 - 10.0.0.9', '10.0.0.5', '10.0.0.9'],
    ['10.0.0.16/28', '10.0.0.16', '10.0.0.31'],
    [{ first: '10.0.0.5' }, '10.0.0.5', '10.0.0.5'],
    [{ first: '10.0.0.5', last: '10.0.0.9' }, '10.0.0.5', '10.0.0.9'],
  ] as const;
  for (const [input, first, last] of cases)
    assert.deepEqual(showAddressSpan(parseAddressSpan(input)), { first, last }, JSON.stringify(input));
});

test('addresses that are reversed, have host bits, or are none are refused with the part that is wrong', () => {
  const cases = [
    ['10.0.0.9-10.0.0.5', undefined, /ends before/],
    [{ first: '10.0.0.9', last: '10.0.0.5' }, 'last', /ends before/],
    ['10.0.0.1/24', undefined, /beyond its prefix/],
    ['10.0.0.1-', undefined, /IPv4/],
    ['1-2-3', undefined, /dash/],
    [{ first: '10.0.0.256' }, 'first', /IPv4/],
    [{ first: '10.0.0.1', last: '' }, 'last', /IPv4/],
    ['fd00::1', undefined, /IPv6 is not handed out yet/],
    ['fd00::/64', undefined, /IPv6 is not handed out yet/],
    [{ first: '::ffff:10.0.0.1' }, 'first', /IPv6 is not handed out yet/],
  ] as const;
  for (const [input, part, text] of cases)
    assert.throws(() => parseAddressSpan(input), wrong(part, text), JSON.stringify(input));
});

test('numbers may be named one by one or by their ends, within bounds', () => {
  for (const input of ['32000-32009', { first: 32_000, last: 32_009 }, { start: 32_000, end: 32_009 }])
    assert.deepEqual(parseNumberSpan(input, ports), { first: 32_000, last: 32_009 });
  for (const input of [32_000, '32000', { first: 32_000 }, { start: 32_000 }])
    assert.deepEqual(parseNumberSpan(input, ports), { first: 32_000, last: 32_000 });
  const cases = [
    [0, undefined],
    [1_023, undefined],
    [65_536, undefined],
    [1.5, undefined],
    ['', undefined],
    ['32000-', undefined],
    ['-1', undefined],
    ['1e4', undefined],
    ['32009-32000', undefined],
    [{ first: 32_009, last: 32_000 }, 'last'],
    [{ start: 32_009, end: 32_000 }, 'end'],
    [{ first: 32_000, last: 65_536 }, 'last'],
    [{ start: 1_023, end: 32_000 }, 'start'],
  ] as const;
  for (const [input, part] of cases)
    assert.throws(() => parseNumberSpan(input, ports), wrong(part, /./), JSON.stringify(input));
});

test('spans overlap exactly when a value is in two of them', () => {
  const span = fc.tuple(fc.nat(60), fc.nat(6)).map(([first, more]) => ({ first, last: first + more }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 8 }), (spans) => {
      const values = spans.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
      const found = overlapsOf(spans.map((one, index) => ({ field: String(index), span: one })));
      assert.equal(found.length > 0, new Set(values).size < values.length);
      for (const { field, other } of found) {
        const [a, b] = [spans[Number(field)], spans[Number(other)]];
        assert.ok(a && b && a !== b && a.first <= b.last && b.first <= a.last);
      }
    }),
  );
});
