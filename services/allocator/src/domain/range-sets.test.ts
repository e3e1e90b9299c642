import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NumberRange } from './number-range.ts';
import { except, inBoth, merged } from './range-sets.ts';

const numbersOf = (ranges: readonly NumberRange[]): number[] =>
  ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));
const someRanges = fc.array(
  fc.tuple(fc.nat(40), fc.nat(6)).map(([first, more]) => ({ first, last: first + more })),
  { maxLength: 8 },
);
const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b);

test('ranges behave like the sets of their numbers, in order and without a number twice', () => {
  fc.assert(
    fc.property(someRanges, someRanges, (one, other) => {
      const [a, b] = [new Set(numbersOf(one)), new Set(numbersOf(other))];
      assert.deepEqual(numbersOf(merged(one)), sorted(a));
      assert.deepEqual(
        numbersOf(inBoth(one, other)),
        sorted(a).filter((number) => b.has(number)),
      );
      assert.deepEqual(
        numbersOf(except(one, other)),
        sorted(a).filter((number) => !b.has(number)),
      );
    }),
  );
});

test('merged ranges do not touch', () => {
  const touching = [
    { first: 5, last: 9 },
    { first: 1, last: 4 },
    { first: 11, last: 11 },
  ];
  assert.deepEqual(merged(touching), [
    { first: 1, last: 9 },
    { first: 11, last: 11 },
  ]);
});
