import { includes, lengthOf, type NumberRange, overlapOf, without } from '../number-range.ts';

/** What is to be given back is free already: two books contradict each other. */
export class FreeAlready extends Error {
  override readonly name = 'FreeAlready';
}

/**
 * What is free of a pool, as spans in order that neither overlap nor touch. Holds the part of a pool that a transaction has loaded:
 * the lowest spans and those around the values it deals with, never the whole pool, so that taking does not depend on the pool's size.
 */
export class FreeSpans {
  #spans: NumberRange[];
  readonly #loaded: readonly NumberRange[];

  constructor(spans: readonly NumberRange[]) {
    this.#loaded = [...spans].sort((a, b) => a.first - b.first);
    this.#spans = [...this.#loaded];
  }

  get spans(): readonly NumberRange[] {
    return this.#spans;
  }

  /** Takes the lowest `count` free neighbours, inside `within` when given, and gives back the first. */
  takeLowest(within?: NumberRange, count = 1): number | undefined {
    const lowest = this.#lowestFrom(within?.first ?? Number.NEGATIVE_INFINITY, count);
    if (lowest === undefined || (within && lowest + count - 1 > within.last)) return undefined;
    this.take({ first: lowest, last: lowest + count - 1 });
    return lowest;
  }

  /** Takes `length` neighbours out of the smallest span that has room, so that large spans stay large. */
  takeBlock(length: number): NumberRange | undefined {
    let best: NumberRange | undefined;
    for (const span of this.#spans) {
      if (lengthOf(span) >= length && (best === undefined || lengthOf(span) < lengthOf(best))) best = span;
      if (best && lengthOf(best) === length) break; // none is smaller; so pools in many pieces are not looked through for each VM
    }
    if (best === undefined) return undefined;
    const block = { first: best.first, last: best.first + length - 1 };
    this.take(block);
    return block;
  }

  /** Takes exactly `range`; false when any of it is not free. */
  take(range: NumberRange): boolean {
    const at = this.#indexAtOrBefore(range.first);
    const span = this.#spans[at];
    if (span === undefined || !includes(span, range)) return false;
    this.#spans.splice(at, 1, ...without(span, [range]));
    return true;
  }

  /** Takes what of `range` is free. */
  takeAnyOf(range: NumberRange): void {
    for (const span of this.#spans.filter((one) => overlapOf(one, range))) {
      const common = overlapOf(span, range);
      if (common) this.take(common);
    }
  }

  /** Gives `range` back, merging it with its neighbours. Throws `FreeAlready` when any of it is free. */
  release(range: NumberRange): void {
    const before = this.#indexAtOrBefore(range.first);
    const [left, right] = [this.#spans[before], this.#spans[before + 1]];
    if ((left && left.last >= range.first) || (right && right.first <= range.last)) {
      throw new FreeAlready(`${range.first}-${range.last} is free already`);
    }
    const joinsLeft = left !== undefined && left.last + 1 === range.first;
    const joinsRight = right !== undefined && right.first - 1 === range.last;
    const merged = { first: joinsLeft ? left.first : range.first, last: joinsRight ? right.last : range.last };
    this.#spans.splice(joinsLeft ? before : before + 1, Number(joinsLeft) + Number(joinsRight), merged);
  }

  /** What to write so that the stored spans become these. */
  changes(): { readonly removed: readonly NumberRange[]; readonly added: readonly NumberRange[] } {
    const key = ({ first, last }: NumberRange) => `${first}-${last}`;
    const [before, after] = [new Set(this.#loaded.map(key)), new Set(this.#spans.map(key))];
    return {
      removed: this.#loaded.filter((span) => !after.has(key(span))),
      added: this.#spans.filter((span) => !before.has(key(span))),
    };
  }

  /** Takes the lowest `count` neighbours that are free in both, for what holds them under two protocols; gives back the first. */
  static takeLowestCommon(one: FreeSpans, other: FreeSpans, within?: NumberRange, count = 1): number | undefined {
    let next = within?.first ?? Number.NEGATIVE_INFINITY;
    for (;;) {
      const candidate = one.#lowestFrom(next, count);
      if (candidate === undefined || (within && candidate + count - 1 > within.last)) return undefined;
      const match = other.#lowestFrom(candidate, count);
      if (match === undefined) return undefined;
      if (match === candidate) {
        const run = { first: match, last: match + count - 1 };
        one.take(run);
        other.take(run);
        return match;
      }
      next = match;
    }
  }

  /** Where the lowest run of `count` free values begins, from `value` on. */
  #lowestFrom(value: number, count: number): number | undefined {
    for (let at = Math.max(0, this.#indexAtOrBefore(value)); at < this.#spans.length; at++) {
      const span = this.#spans[at];
      const first = span && Math.max(span.first, value);
      if (span && first !== undefined && first + count - 1 <= span.last) return first;
    }
    return undefined;
  }

  /** The last span that begins at or before `value`; -1 when there is none. */
  #indexAtOrBefore(value: number): number {
    let low = 0;
    let high = this.#spans.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#spans[middle]?.first ?? 0) <= value) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
