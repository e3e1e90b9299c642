import type { Path } from './config-tree.ts';

/** Milliseconds by number of destination NAT rules: rows of [rules, ms], ascending. */
export type GrowthTable = readonly (readonly [rules: number, ms: number])[];

/**
 * How long the router takes. Whole-configuration work grows with what is configured; work per operation does not.
 * All in milliseconds, before scaling.
 */
export type LatencyRates = {
  /** `exists`, `returnValue`, `returnValues`. */
  readonly existsMs: number | GrowthTable;
  /** `showConfig` of something small (one rule, one mapping). */
  readonly smallReadMs: number | GrowthTable;
  /** `showConfig` of all destination rules. */
  readonly subtreeReadMs: number | GrowthTable;
  /** `showConfig []`. */
  readonly wholeReadMs: number | GrowthTable;
  /** A `/configure` that changes nothing. */
  readonly noopMs: number | GrowthTable;
  /** What a commit adds to that when something changed. */
  readonly commitMs: number | GrowthTable;
  readonly saveMs: number | GrowthTable;
  readonly natSetMs: number;
  readonly mappingSetMs: number;
  readonly otherSetMs: number;
  readonly deleteMs: number;
  /** How long the API process is away (502) after it crashed. */
  readonly crashMs: number;
  /** How long the API process is away after a commit below `service https`. */
  readonly httpsRestartMs: number;
  /** How long after a refused batch the same new nodes cannot be set ("Set failed"). */
  readonly refusalSpellMs: number;
};

/**
 * vyos-observed, "Time": measured on 1.5 of 2024-10 on 2 shared cores. commitMs is "change one port" less the no-op and
 * one set; natSetMs, mappingSetMs and deleteMs come from the batches of 100 to 2000 operations.
 */
const calibratedRates: LatencyRates = {
  existsMs: [
    [1, 30],
    [101, 100],
    [301, 330],
    [501, 1_200],
    [1_001, 4_200],
  ],
  smallReadMs: [
    [1, 50],
    [101, 110],
    [301, 430],
    [501, 1_350],
    [1_001, 4_100],
  ],
  subtreeReadMs: [
    [1, 50],
    [101, 800],
    [301, 3_400],
    [501, 6_600],
    [1_001, 15_400],
  ],
  wholeReadMs: [
    [1, 130],
    [101, 1_110],
    [301, 3_440],
    [501, 9_000],
    [1_001, 15_080],
  ],
  noopMs: [
    [1, 270],
    [101, 2_000],
    [301, 6_600],
    [501, 16_000],
    [1_001, 27_000],
  ],
  commitMs: [
    [1, 1_320],
    [101, 3_190],
    [301, 5_290],
    [1_001, 23_890],
  ],
  saveMs: [
    [1, 330],
    [101, 550],
    [301, 580],
    [1_001, 4_430],
  ],
  natSetMs: 110,
  mappingSetMs: 60,
  otherSetMs: 60,
  deleteMs: 30,
  crashMs: 1_500,
  httpsRestartMs: 1_300,
  refusalSpellMs: 600,
};

/** Everything at once: no waiting, no spells, no restarts to wait for. */
export const instantRates: LatencyRates = {
  existsMs: 0,
  smallReadMs: 0,
  subtreeReadMs: 0,
  wholeReadMs: 0,
  noopMs: 0,
  commitMs: 0,
  saveMs: 0,
  natSetMs: 0,
  mappingSetMs: 0,
  otherSetMs: 0,
  deleteMs: 0,
  crashMs: 0,
  httpsRestartMs: 0,
  refusalSpellMs: 0,
};

export type LatencyPreset = 'instant' | 'calibrated';
export const latencyPresets: Record<LatencyPreset, LatencyRates> = {
  instant: instantRates,
  calibrated: calibratedRates,
};

/** A preset (default `instant`), single rates in its place, and a factor on every duration (0.01: a hundred times faster). */
export type LatencySettings = { readonly preset?: LatencyPreset; readonly scale?: number } & Partial<LatencyRates>;

/** Computes durations. Knows no clock: whoever asks does the waiting. */
export class Latency {
  readonly #rates: LatencyRates;
  readonly #scale: number;

  constructor(settings: LatencySettings = {}) {
    const { preset = 'instant', scale = 1, ...rates } = settings;
    this.#rates = { ...latencyPresets[preset], ...rates };
    this.#scale = scale;
  }

  /** The scaled time of one kind of work with this many rules configured. */
  of(kind: keyof LatencyRates, rules = 0): number {
    const rate = this.#rates[kind];
    return this.#scale * (typeof rate === 'number' ? rate : interpolate(rate, rules));
  }

  /** A duration that the router itself counts, such as a timer's. */
  scaled(ms: number): number {
    return this.#scale * ms;
  }

  /** The time that `showConfig` of this path takes. */
  ofRead(path: Path, rules: number): number {
    if (path.length === 0) return this.of('wholeReadMs', rules);
    const rulesPath = ['nat', 'destination', 'rule'];
    const holdsAllRules = path.length <= rulesPath.length && path.every((name, at) => name === rulesPath[at]);
    return this.of(holdsAllRules ? 'subtreeReadMs' : 'smallReadMs', rules);
  }

  /** The time that one operation of a batch takes. */
  ofEdit(op: string, path: Path): number {
    if (op === 'delete') return this.of('deleteMs');
    if (path[0] === 'nat') return this.of('natSetMs');
    return this.of(path.includes('static-mapping') ? 'mappingSetMs' : 'otherSetMs');
  }

  /** True when nothing takes any time, so nothing can overlap. */
  get isInstant(): boolean {
    return this.#scale === 0 || Object.values(this.#rates).every((rate) => rate === 0);
  }
}

/** Between rows linear; beyond the last the last slope goes on; before the first the first value holds. */
export function interpolate(table: GrowthTable, rules: number): number {
  const first = table[0];
  if (first === undefined) return 0;
  if (rules <= first[0]) return first[1];
  const after = table.findIndex(([at]) => at >= rules);
  const upper = table[after < 0 ? table.length - 1 : after] ?? first;
  const lower = table[(after < 0 ? table.length - 1 : after) - 1] ?? first;
  if (upper[0] === lower[0]) return upper[1];
  return lower[1] + ((upper[1] - lower[1]) * (rules - lower[0])) / (upper[0] - lower[0]);
}
