import { WrongValue } from './field-checks.ts';

/** An inclusive range of ports. */
export interface PortRange {
  readonly start: number;
  readonly end: number;
}

/** Where external ports may lie. Ports below 1024 belong to the router itself. */
export const portRangeBounds = { minimum: 1_024, maximum: 65_535 } as const;

/** A range that is not reversed. */
export function parsePortRange(range: PortRange): PortRange {
  if (range.start > range.end) throw new WrongValue('must not be before start', 'end');
  return range;
}
