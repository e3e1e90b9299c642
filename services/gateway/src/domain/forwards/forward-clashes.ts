import type { FieldChecks } from '../field-checks.ts';
import { below, type ForwardInput, type ForwardWish } from './forwards.ts';
import { overlap } from './port-run.ts';

/** Taken by routes beside `/ports/{port_name}`. */
const reservedNames = ['template', 'status'];

/** A name and the field where it stands. */
export interface NameAt {
  readonly field: string;
  readonly name: string;
}

/** A forward as it was written at the path `at`, and what it means. */
export interface WrittenForward {
  readonly at: string;
  readonly input: ForwardInput;
  readonly wish: ForwardWish;
}

/** Notes new names that no forward can have. */
export function refuseReserved(names: readonly NameAt[], checks: FieldChecks): void {
  for (const { field, name } of names) {
    if (reservedNames.includes(name)) checks.add(field, 'is a reserved name');
  }
}

/** Notes names that stand in `names`, or before them in `earlier`, already. */
export function refuseRepeated(names: readonly NameAt[], checks: FieldChecks, earlier: readonly NameAt[] = []): void {
  const seen = new Map(earlier.map(({ field, name }) => [name, field]));
  for (const { field, name } of names) {
    const first = seen.get(name);
    if (first === undefined) seen.set(name, field);
    else checks.add(field, `is the same name as ${first}`);
  }
}

/** Notes external ports that two forwards of one request would share under one protocol. */
export function refuseOverlaps(forwards: readonly WrittenForward[], checks: FieldChecks): void {
  for (const [index, forward] of forwards.entries()) {
    const other = forwards.slice(0, index).find((earlier) => clash(earlier.wish, forward.wish));
    if (other !== undefined) checks.add(externalField(forward), `overlaps ${externalField(other)}`);
  }
}

const externalField = ({ at, input }: WrittenForward): string =>
  below(at, input.external_ports === undefined ? 'external_port' : 'external_ports');

const clash = (a: ForwardWish, b: ForwardWish): boolean =>
  !!a.external &&
  !!b.external &&
  overlap(a.external, b.external) &&
  protocolsOf(a).some((protocol) => protocolsOf(b).includes(protocol));

/** None when only what is looked up tells: the protocol of a template, or of a forward that stands. */
function protocolsOf({ protocol, internal }: ForwardWish): readonly string[] {
  if (protocol === undefined) return internal === undefined ? [] : ['tcp'];
  return protocol === 'tcp' || protocol === 'udp' ? [protocol] : ['tcp', 'udp'];
}
