/** An inclusive range of whole numbers: addresses (as numbers), ports or rule numbers. */
export interface NumberRange {
  readonly first: number;
  readonly last: number;
}

export const lengthOf = ({ first, last }: NumberRange): number => last - first + 1;

export const includes = (range: NumberRange, { first, last }: NumberRange): boolean =>
  range.first <= first && last <= range.last;

/** What two ranges have in common. */
export function overlapOf(one: NumberRange, other: NumberRange): NumberRange | undefined {
  const first = Math.max(one.first, other.first);
  const last = Math.min(one.last, other.last);
  return first <= last ? { first, last } : undefined;
}

/** What of `range` is in none of `taken`, in order. */
export function without(range: NumberRange, taken: readonly NumberRange[]): NumberRange[] {
  const left: NumberRange[] = [];
  let next = range.first;
  for (const { first, last } of [...taken].sort((a, b) => a.first - b.first)) {
    if (last < next || first > range.last) continue;
    if (first > next) left.push({ first: next, last: first - 1 });
    next = Math.max(next, last + 1);
  }
  if (next <= range.last) left.push({ first: next, last: range.last });
  return left;
}
