import { readFileSync } from 'node:fs';

/** One request of a recorded sequence and what the real router answered. */
export type CorpusStep = {
  readonly endpoint: string;
  readonly encoding: 'json' | 'form';
  readonly request: unknown;
  readonly status: number;
  readonly content_type: string;
  readonly response: string;
};
export type CorpusSequence = {
  readonly sequence: number;
  readonly before: Record<string, unknown>;
  readonly steps: readonly CorpusStep[];
  readonly after: Record<string, unknown>;
};

/** A difference that is known and why it may be. */
export type AllowedDifference = { readonly sequence: number; readonly step: number | 'after'; readonly reason: string };

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

export function readCorpus(): CorpusSequence[] {
  return fixture('corpus.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

export function readAllowedDifferences(): AllowedDifference[] {
  return JSON.parse(fixture('allowed-differences.json'));
}

const BROKEN_VALIDATOR = /\/usr\/libexec\/vyos\/validators\/\S+: \d+: Bad substitution/g;

/** White space counts as one blank, and the lines of validators that were broken on the recorded router not at all. */
export function normalised(text: string): string {
  return text.replace(BROKEN_VALIDATOR, ' ').replace(/\s+/g, ' ').trim();
}

/** Envelopes as text that can be compared: order of keys and white space do not count. */
export function comparable(response: string): string {
  return normalisedValue(JSON.parse(response));
}

export function normalisedValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(normalised(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(normalisedValue).join(',')}]`;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${normalisedValue(item)}`).join(',')}}`;
}
