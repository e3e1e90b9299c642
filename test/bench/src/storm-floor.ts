/** The measured times of the simulator (its `domain/latency.ts`), by the number of destination rules: rows of rules and milliseconds. */
type Rows = readonly (readonly [rules: number, ms: number])[];

const noop: Rows = [
  [1, 270],
  [101, 2_000],
  [301, 6_600],
  [501, 16_000],
  [1_001, 27_000],
];
const change: Rows = [
  [1, 1_320],
  [101, 3_190],
  [301, 5_290],
  [1_001, 23_890],
];
const save: Rows = [
  [1, 330],
  [101, 550],
  [301, 580],
  [1_001, 4_430],
];

/** Of a VM with three forwards: seven sets for each rule, two for its mapping. Milliseconds. */
export const vmSetsMs = 21 * 110 + 2 * 60;

/** Of any commit, with so many rules there. Milliseconds. */
export const commitMs = (rules: number): number => between(noop, rules) + between(change, rules);

export const saveMs = (rules: number): number => between(save, rules);

/** Between the rows linear; beyond the last its slope goes on. */
function between(rows: Rows, rules: number): number {
  const index = rows.findIndex(([at]) => at >= rules);
  const [x1, y1] = rows.at(index < 0 ? -1 : index) ?? [0, 0];
  const [x0, y0] = rows.at(index < 0 ? -2 : Math.max(0, index - 1)) ?? [0, 0];
  return x1 === x0 ? y1 : y0 + ((y1 - y0) * (rules - x0)) / (x1 - x0);
}
