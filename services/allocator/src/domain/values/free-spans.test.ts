import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { NumberRange } from '../number-range.ts';
import { FreeSpans } from './free-spans.ts';

const size = 40;

/** The same pool as a plain set of numbers. */
const numbersOf = (spans: readonly NumberRange[]): number[] =>
  spans.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, index) => first + index));

const spansOf = (free: ReadonlySet<number>): NumberRange[] => {
  const spans: { first: number; last: number }[] = [];
  for (const number of [...free].sort((a, b) => a - b)) {
    const previous = spans.at(-1);
    if (previous && previous.last + 1 === number) previous.last = number;
    else spans.push({ first: number, last: number });
  }
  return spans;
};

const range = fc.tuple(fc.nat(size), fc.nat(6)).map(([first, more]) => ({ first, last: first + more }));
const step = fc.oneof(
  fc.record({ do: fc.constant('take' as const), range }),
  fc.record({ do: fc.constant('takeAnyOf' as const), range }),
  fc.record({ do: fc.constant('release' as const), range }),
  fc.record({
    do: fc.constant('lowest' as const),
    range: fc.option(range, { nil: undefined }),
    count: fc.integer({ min: 1, max: 3 }),
  }),
  fc.record({ do: fc.constant('block' as const), length: fc.integer({ min: 1, max: 5 }) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function bothTakeBlock(spans: FreeSpans, free: Set<number>, length: number): void {
  const block = spans.takeBlock(length);
  const possible = spansOf(free).some(({ first, last }) => last - first + 1 >= length);
  assert.equal(block !== undefined, possible);
  for (const number of numbersOf(block ? [block] : [])) assert.ok(free.delete(number));
  if (block) assert.equal(block.last - block.first + 1, length);
}

/** Where runs of `count` begin whose numbers are all in `free` and inside `within`. */
const runsIn = (free: ReadonlySet<number>, within: NumberRange | undefined, count: number): number[] =>
  [...free].filter((first) => {
    const run = numbersOf([{ first, last: first + count - 1 }]);
    return run.every((number) => free.has(number) && (!within || (number >= within.first && number <= within.last)));
  });

function bothTakeLowest(spans: FreeSpans, free: Set<number>, within: NumberRange | undefined, count: number): void {
  const runs = runsIn(free, within, count);
  const expected = runs.length === 0 ? undefined : Math.min(...runs);
  assert.equal(spans.takeLowest(within, count), expected);
  if (expected !== undefined)
    for (const number of numbersOf([{ first: expected, last: expected + count - 1 }])) free.delete(number);
}

function bothRelease(spans: FreeSpans, free: Set<number>, released: NumberRange): void {
  const numbers = numbersOf([released]);
  if (numbers.some((number) => free.has(number))) {
    assert.throws(() => spans.release(released), /free already/);
  } else {
    spans.release(released);
    for (const number of numbers) free.add(number);
  }
}

function bothTake(spans: FreeSpans, free: Set<number>, taken: NumberRange): void {
  const numbers = numbersOf([taken]);
  const possible = numbers.every((number) => free.has(number));
  assert.equal(spans.take(taken), possible);
  if (possible) for (const number of numbers) free.delete(number);
}

/** Does the same to spans and set, and compares what comes back. */
function both(spans: FreeSpans, free: Set<number>, step: Step): void {
  switch (step.do) {
    case 'block':
      bothTakeBlock(spans, free, step.length);
      break;
    case 'lowest':
      bothTakeLowest(spans, free, step.range, step.count);
      break;
    case 'release':
      bothRelease(spans, free, step.range);
      break;
    case 'take':
      bothTake(spans, free, step.range);
      break;
    case 'takeAnyOf':
      spans.takeAnyOf(step.range);
      for (const number of numbersOf([step.range])) free.delete(number);
  }
}

test('spans behave like the set of their numbers, never overlap and never touch', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(size)), fc.array(step, { maxLength: 30 }), (numbers, steps) => {
      const free = new Set(numbers);
      const before = spansOf(free);
      const spans = new FreeSpans(before);
      for (const one of steps) both(spans, free, one);
      assert.deepEqual(spans.spans, spansOf(free));
      const { removed, added } = spans.changes();
      const kept = before.filter((span) => !removed.includes(span));
      assert.deepEqual(
        [...kept, ...added].sort((a, b) => a.first - b.first),
        spansOf(free),
      );
    }),
  );
});

test('the lowest common run is the lowest that both have', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(size)),
      fc.uniqueArray(fc.nat(size)),
      fc.option(range, { nil: undefined }),
      fc.integer({ min: 1, max: 3 }),
      (one, other, within, count) => {
        const common = runsIn(new Set(one.filter((n) => other.includes(n))), within, count);
        const [a, b] = [new FreeSpans(spansOf(new Set(one))), new FreeSpans(spansOf(new Set(other)))];
        const expected = common.length === 0 ? undefined : Math.min(...common);
        assert.equal(FreeSpans.takeLowestCommon(a, b, within, count), expected);
        assert.equal(numbersOf(a.spans).includes(expected ?? -1), false);
        assert.equal(numbersOf(b.spans).includes(expected ?? -1), false);
      },
    ),
  );
});

test('a block comes out of the smallest span that has room', () => {
  const spans = new FreeSpans([
    { first: 0, last: 9 },
    { first: 20, last: 22 },
    { first: 30, last: 31 },
  ]);
  assert.deepEqual(spans.takeBlock(3), { first: 20, last: 22 });
  assert.deepEqual(spans.takeBlock(3), { first: 0, last: 2 });
});
