import { type ForwardProtocol, portSpacesOf } from '../forwards/forward.ts';
import { type NumberRange, overlapOf } from '../number-range.ts';
import type { FoundRule } from './adoption.ts';

interface Interval extends NumberRange {
  readonly rule: FoundRule;
}

const every: NumberRange = { first: 1, last: 65_535 };

/** The ports that a rule may take packets of, as far as its text is understood; service names are not. */
function rangesOf({ destinationPort }: FoundRule): NumberRange[] {
  if (destinationPort.includes('!')) return [every];
  return destinationPort.split(',').flatMap((text) => {
    const [, first, last] = /^\s*(\d{1,5})(?:-(\d{1,5}))?\s*$/.exec(text) ?? [];
    return first === undefined ? [] : [{ first: Number(first), last: Number(last ?? first) }];
  });
}

const spacesOf = ({ protocol }: FoundRule) =>
  portSpacesOf(protocol === 'tcp' || protocol === 'udp' ? protocol : ('tcp_udp' satisfies ForwardProtocol));

/** Whether one address may be meant by both: none named, the same, or one that stands for many. */
const mayMeet = (a: string, b: string): boolean =>
  a === '' || b === '' || a === b || /[!/-]/.test(a) || /[!/-]/.test(b);

/** For each rule that may take packets of another one, the number of that; whichever is met first. */
export function sharedPorts(rules: readonly FoundRule[]): ReadonlyMap<number, number> {
  const shared = new Map<number, number>();
  for (const space of ['tcp', 'udp'] as const) {
    const intervals: Interval[] = rules
      .filter((rule) => spacesOf(rule).includes(space))
      .flatMap((rule) => rangesOf(rule).map((range) => ({ ...range, rule })))
      .sort((a, b) => a.first - b.first);
    let open: Interval[] = [];
    for (const interval of intervals) {
      open = open.filter(({ last }) => last >= interval.first);
      for (const other of open) {
        const [a, b] = [interval.rule, other.rule];
        if (a === b || !overlapOf(interval, other) || !mayMeet(a.destinationAddress, b.destinationAddress)) continue;
        if (!shared.has(a.number)) shared.set(a.number, b.number);
        if (!shared.has(b.number)) shared.set(b.number, a.number);
      }
      open.push(interval);
    }
  }
  return shared;
}
