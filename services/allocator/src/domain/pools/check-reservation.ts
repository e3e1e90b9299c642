import type { FieldError } from '@berth/errors';
import { parseIpv4 } from '../ipv4.ts';
import type { NumberRange } from '../number-range.ts';
import type { PoolSpec } from './pool.ts';
import { protocolsOf } from './pool-segments.ts';
import { invalidFields, isNote } from './validate-pool.ts';

/** Values to be kept by hand, as they are asked for. */
export interface ReservationDraft {
  /** Empty: the lowest run. */
  readonly first: string;
  readonly last: string;
  /** 0: one. */
  readonly count: number;
  /** undefined: one that nobody knows. */
  readonly protocols: readonly ('tcp' | 'udp' | undefined)[];
  readonly note: string;
  /** undefined: without end. */
  readonly lifetimeMs: number | undefined;
}

/** The same once its form is right. */
export interface CheckedReservation {
  /** Exactly these; undefined: the lowest run of `count`. */
  readonly range: NumberRange | undefined;
  readonly count: number;
  /** Empty for pools that are not of ports. */
  readonly protocols: readonly ('tcp' | 'udp')[];
  readonly note: string;
  readonly lifetimeMs: number | undefined;
}

const mostValues = 65_536;
const mostLifetimeMs = 10 * 366 * 24 * 3_600_000;

type Complain = (field: string, message: string) => void;

/** Checks the form of a wish for values of such a pool. Throws `invalid`, naming every wrong field. */
export function checkReservation(draft: ReservationDraft, spec: PoolSpec): CheckedReservation {
  const fields: FieldError[] = [];
  const complain: Complain = (field, message) => void fields.push({ field, message });
  const range = rangeOf(draft, spec, complain);
  const count = range ? range.last - range.first + 1 : draft.count || 1;
  if (count > mostValues) complain(draft.last === '' ? 'count' : 'last', `at most ${mostValues} values`);
  const protocols = protocolsFor(draft.protocols, spec, complain);
  if (!isNote(draft.note)) complain('note', 'at most 255 characters, no control characters');
  const { lifetimeMs } = draft;
  if (lifetimeMs !== undefined && !(lifetimeMs > 0 && lifetimeMs <= mostLifetimeMs)) {
    complain('lifetime', 'must be above 0, and at most ten years');
  }
  if (fields.length > 0) throw invalidFields(fields);
  return { range, count, protocols, note: draft.note, lifetimeMs };
}

function rangeOf(
  { first, last, count }: ReservationDraft,
  spec: PoolSpec,
  complain: Complain,
): NumberRange | undefined {
  const isAddress = spec.kind === 'ip-pools';
  const parse = (text: string) => (isAddress ? parseIpv4(text) : /^\d{1,6}$/.test(text) ? Number(text) : undefined);
  const form = isAddress ? 'must be an IPv4 address' : 'must be a whole number';
  if (first === '') {
    if (last !== '') complain('last', 'needs a first value');
    return undefined;
  }
  const from = parse(first);
  const to = last === '' ? undefined : parse(last);
  if (from === undefined) complain('first', form);
  if (last !== '' && to === undefined) complain('last', form);
  if (from === undefined || (last !== '' && to === undefined)) return undefined;
  const range = { first: from, last: to ?? from + (count || 1) - 1 };
  if (range.last < range.first) complain('last', 'lies before the first');
  else if (last !== '' && count !== 0 && count !== range.last - range.first + 1)
    complain('count', 'contradicts first and last');
  return range;
}

function protocolsFor(
  asked: ReservationDraft['protocols'],
  spec: PoolSpec,
  complain: Complain,
): readonly ('tcp' | 'udp')[] {
  const has = spec.kind === 'port-pools' ? protocolsOf(spec) : [];
  for (const [index, protocol] of asked.slice(0, 10).entries()) {
    const choices = has.length > 0 ? `must be one of ${has.join(', ')}` : 'only pools of ports have protocols';
    if (protocol === undefined || !has.includes(protocol)) complain(`protocols[${index}]`, choices);
    else if (asked.indexOf(protocol) < index) complain(`protocols[${index}]`, 'is there twice');
  }
  if (asked.length > 10) complain('protocols', 'at most two');
  const chosen = asked.filter((protocol) => protocol !== undefined);
  return chosen.length > 0 ? chosen : has;
}
