import { type NumberRange, overlapOf } from './number-range.ts';

/** These ranges in order, neither overlapping nor touching. */
export function merged(ranges: readonly NumberRange[]): NumberRange[] {
  const result: NumberRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.first - b.first)) {
    const previous = result.at(-1);
    if (previous && range.first <= previous.last + 1) {
      result[result.length - 1] = { first: previous.first, last: Math.max(previous.last, range.last) };
    } else result.push(range);
  }
  return result;
}

/** What both have. A step for each range of either, however many there are. */
export function inBoth(one: readonly NumberRange[], other: readonly NumberRange[]): NumberRange[] {
  const [left, right] = [merged(one), merged(other)];
  const result: NumberRange[] = [];
  let next = 0;
  for (const range of left) {
    while ((right[next]?.last ?? Number.POSITIVE_INFINITY) < range.first) next++;
    for (let at = next; at < right.length; at++) {
      const candidate = right[at];
      const common = candidate && overlapOf(range, candidate);
      if (common === undefined) break;
      result.push(common);
    }
  }
  return result;
}

/** What `ranges` have and `taken` have not. */
export function except(ranges: readonly NumberRange[], taken: readonly NumberRange[]): NumberRange[] {
  const gone = merged(taken);
  const gaps = [...gone, undefined].map((range, index) => ({
    first: (gone[index - 1]?.last ?? Number.NEGATIVE_INFINITY) + 1,
    last: (range?.first ?? Number.POSITIVE_INFINITY) - 1,
  }));
  return inBoth(
    ranges,
    gaps.filter(({ first, last }) => first <= last),
  );
}
