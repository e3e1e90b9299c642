import { WrongValue } from '../field-checks.ts';

/** An inclusive run of ports; one port has first = last. */
export interface PortRun {
  readonly first: number;
  readonly last: number;
}

/** A run as callers write it: its ends, or `"8000-8010"`. */
export type PortRunInput = string | PortRun;

/** How many ports a run has. */
export const lengthOf = ({ first, last }: PortRun): number => last - first + 1;

/** Whether two runs have a port in common. */
export const overlap = (a: PortRun, b: PortRun): boolean => a.first <= b.last && b.first <= a.last;

/** A run that is not reversed and lies within `bounds`. */
export function parsePortRun(
  input: PortRunInput,
  bounds: { readonly minimum: number; readonly maximum: number },
): PortRun {
  const run = typeof input === 'string' ? readRun(input) : input;
  for (const [name, port] of [
    ['first', run.first],
    ['last', run.last],
  ] as const) {
    if (port < bounds.minimum || port > bounds.maximum)
      throw new WrongValue(`must be from ${bounds.minimum} to ${bounds.maximum}`, partOf(input, name));
  }
  if (run.first > run.last) throw new WrongValue('must not be before first', partOf(input, 'last'));
  return run;
}

const partOf = (input: PortRunInput, name: string): string | undefined =>
  typeof input === 'string' ? undefined : name;

function readRun(text: string): PortRun {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  if (first === undefined || last === undefined) throw new WrongValue('must be a range of ports such as 8000-8010');
  return { first: Number(first), last: Number(last) };
}
