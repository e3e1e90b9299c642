import { lengthOf, type NumberRange } from '../number-range.ts';
import type { KeptValue, SpaceKind } from './choose-values.ts';

/** Values in quarantine that are neighbours, and together what was one value once. */
export interface KeptRun {
  readonly space: SpaceKind;
  readonly segmentId: number;
  readonly held: NumberRange;
  readonly values: readonly KeptValue[];
}

/**
 * The runs of exactly `count` numbers that these values of one space and slot make up, alone or with their neighbours, in the order of the
 * values that they begin with. A run that has grown while it was held is of several values.
 */
export function keptRuns(values: readonly KeptValue[], count: number): KeptRun[] {
  const byFirst = new Map(values.map((value) => [value.held.first, value]));
  return values.flatMap((first) => {
    const { space, segmentId } = first;
    if (segmentId === null) return [];
    const run = [first];
    let { held } = first;
    while (lengthOf(held) < count) {
      const next = byFirst.get(held.last + 1);
      if (next === undefined || next.segmentId !== segmentId) return [];
      run.push(next);
      held = { first: held.first, last: next.held.last };
    }
    return lengthOf(held) === count ? [{ space, segmentId, held, values: run }] : [];
  });
}
