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

/** A difference that is known and why it may be. `at` is "sequence/step" or "transcript/request". */
export type AllowedDifference = { readonly at: string; readonly reason: string };

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8');

export function readCorpus(): CorpusSequence[] {
  return fixture('corpus.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

export function readAllowedDifferences(): Record<'corpus' | 'transcripts', readonly AllowedDifference[]> {
  return JSON.parse(fixture('allowed-differences.json'));
}

/** One request of a transcript: as it was sent, and what came back. `cut`: the transcript holds only its beginning. */
export type TranscriptStep = {
  readonly at: string;
  readonly note: string;
  readonly scheme: string;
  readonly path: string;
  readonly method?: string;
  readonly type?: string;
  readonly body?: string;
  readonly form?: Record<string, string>;
  readonly status: number;
  readonly content_type?: string;
  readonly response: string;
  readonly cut?: boolean;
  readonly reboot?: boolean;
};
export type Transcript = { readonly transcript: string; readonly steps: readonly TranscriptStep[] };

export function readTranscripts(): Transcript[] {
  return fixture('transcripts.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

const BROKEN_VALIDATOR = /\/usr\/libexec\/vyos\/validators\/\S+: \d+: Bad substitution/g;

/** White space counts as one blank, and the lines of validators that were broken on the recorded router not at all. */
export function normalised(text: string): string {
  return text.replace(BROKEN_VALIDATOR, ' ').replace(/\s+/g, ' ').trim();
}

/** Envelopes as text that can be compared: order of keys and white space do not count. */
export function comparable(response: string): string {
  try {
    return normalisedValue(JSON.parse(response));
  } catch {
    return normalised(response);
  }
}

export function normalisedValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(normalised(value));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(normalisedValue).join(',')}]`;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${normalisedValue(item)}`).join(',')}}`;
}
