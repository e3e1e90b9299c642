import { DomainError } from '@berth/errors';
import { addressPoolExhausted, externalPortTaken, portPoolExhausted, rulePoolExhausted } from './errors.ts';
import { type ForwardProtocol, portSpacesOf } from './forward.ts';
import { FreeSpans } from './free-spans.ts';
import { includes, lengthOf, type NumberRange } from './number-range.ts';

/** The kinds of numbers that a router hands out; in each, a value has one holder. Ports: on its external address. */
export type SpaceKind = 'address' | 'tcp' | 'udp' | 'rule';

/** What is free of one kind: in the pool that is handed out by itself, and outside of it, for those who ask for a certain range. */
export interface SpaceBook {
  readonly pool: FreeSpans;
  readonly rest: FreeSpans;
}

export type ValueBook = Readonly<Record<SpaceKind, SpaceBook>>;

/** An external port that is asked for. */
export interface PortDemand {
  /** The forward's name. */
  readonly slot: string;
  readonly protocol: ForwardProtocol;
  /** Exactly this one; 0: any. */
  readonly exact: number;
  readonly within: NumberRange | undefined;
}

/** All that one VM asks for at once. */
export interface Demand {
  readonly address: { readonly within: NumberRange | undefined } | undefined;
  readonly ports: readonly PortDemand[];
  /** So many neighbouring rule numbers; 0: none. */
  readonly rules: number;
}

/** A value in quarantine whose former holder is asking. */
export interface KeptValue {
  readonly id: string;
  readonly space: SpaceKind;
  readonly held: NumberRange;
  readonly slot: string;
}

/** A value taken. */
export interface TakenValue {
  readonly space: SpaceKind;
  readonly held: NumberRange;
  /** The forward's name; empty for the address and the rule numbers. */
  readonly slot: string;
  /** The quarantine that it comes back from. */
  readonly keptId: string | undefined;
}

/** What one VM got. */
export interface Chosen {
  readonly address: number | undefined;
  readonly ports: ReadonlyMap<string, number>;
  readonly rules: NumberRange | undefined;
  readonly taken: readonly TakenValue[];
}

/** Collects what one VM takes, so that all of it can be put back when a later part is not to be had. */
class Basket {
  readonly taken: TakenValue[] = [];
  readonly #book: ValueBook;
  readonly #kept: KeptValue[];

  constructor(book: ValueBook, kept: readonly KeptValue[]) {
    this.#book = book;
    this.#kept = [...kept];
  }

  /** What this VM held before, in all of these spaces, if it still fits. */
  kept(spaces: readonly SpaceKind[], slot: string, fits: (held: NumberRange) => boolean): NumberRange | undefined {
    const [first, ...others] = spaces.map((space) =>
      this.#kept.find((value) => value.space === space && value.slot === slot && fits(value.held)),
    );
    if (first === undefined || others.some((other) => other?.held.first !== first.held.first)) return undefined;
    for (const value of [first, ...others]) {
      if (value === undefined) continue;
      this.#kept.splice(this.#kept.indexOf(value), 1);
      this.taken.push({ space: value.space, held: value.held, slot, keptId: value.id });
    }
    return first.held;
  }

  one(space: SpaceKind, slot: string, within: NumberRange | undefined): number | undefined {
    const { pool, rest } = this.#book[space];
    const value = pool.takeLowest(within) ?? (within && rest.takeLowest(within));
    if (value !== undefined) this.#put(space, slot, { first: value, last: value });
    return value;
  }

  oneInBoth(slot: string, within: NumberRange | undefined): number | undefined {
    const { tcp, udp } = this.#book;
    const value =
      FreeSpans.takeLowestCommon(tcp.pool, udp.pool, within) ??
      (within && FreeSpans.takeLowestCommon(tcp.rest, udp.rest, within));
    if (value === undefined) return undefined;
    for (const space of ['tcp', 'udp'] as const) this.#put(space, slot, { first: value, last: value });
    return value;
  }

  exactly(space: SpaceKind, slot: string, held: NumberRange): boolean {
    const { pool, rest } = this.#book[space];
    if (!pool.take(held) && !rest.take(held)) return false;
    this.#put(space, slot, held);
    return true;
  }

  block(length: number): NumberRange | undefined {
    const held = this.#book.rule.pool.takeBlock(length);
    if (held) this.#put('rule', '', held);
    return held;
  }

  /** Puts everything back. */
  empty(poolOf: (space: SpaceKind, held: NumberRange) => FreeSpans): void {
    for (const { space, held, keptId } of this.taken) {
      if (keptId === undefined) poolOf(space, held).release(held);
    }
  }

  #put(space: SpaceKind, slot: string, held: NumberRange): void {
    this.taken.push({ space, held, slot, keptId: undefined });
  }
}

function choosePort(basket: Basket, { slot, protocol, exact, within }: PortDemand): number {
  const spaces = portSpacesOf(protocol);
  const fits = (held: NumberRange) =>
    exact === 0 ? within === undefined || includes(within, held) : held.first === exact;
  const kept = basket.kept(spaces, slot, fits);
  if (kept) return kept.first;
  if (exact !== 0) {
    const held = { first: exact, last: exact };
    if (!spaces.every((space) => basket.exactly(space, slot, held))) throw externalPortTaken(exact);
    return exact;
  }
  const [only = 'tcp'] = spaces;
  const port = spaces.length === 1 ? basket.one(only, slot, within) : basket.oneInBoth(slot, within);
  if (port === undefined) throw portPoolExhausted();
  return port;
}

function chooseAddress(basket: Basket, within: NumberRange | undefined): number {
  const kept = basket.kept(['address'], '', (held) => within === undefined || includes(within, held));
  const address = kept?.first ?? basket.one('address', '', within);
  if (address === undefined) throw addressPoolExhausted();
  return address;
}

function chooseRules(basket: Basket, count: number): NumberRange {
  const kept = basket.kept(['rule'], '', (held) => lengthOf(held) === count);
  const rules = kept ?? basket.block(count);
  if (rules === undefined) throw rulePoolExhausted();
  return rules;
}

/**
 * Takes all that `demand` asks for out of `book`, or nothing: what is not to be had comes back as the error. Prefers what the VM's name
 * held before (`kept`), then exactly what was named, then the lowest. `rangeOfPool` tells which numbers are the pool's.
 */
export function chooseValues(
  book: ValueBook,
  demand: Demand,
  kept: readonly KeptValue[],
  rangeOfPool: (space: SpaceKind) => readonly NumberRange[],
): Chosen | DomainError {
  const basket = new Basket(book, kept);
  try {
    const address = demand.address && chooseAddress(basket, demand.address.within);
    // Those who name their port come first, so that the others of the same VM do not take it.
    const inOrder = [...demand.ports].sort((a, b) => Number(b.exact !== 0) - Number(a.exact !== 0));
    const ports = new Map(inOrder.map((port) => [port.slot, choosePort(basket, port)]));
    const rules = demand.rules > 0 ? chooseRules(basket, demand.rules) : undefined;
    return { address, ports, rules, taken: basket.taken };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    basket.empty((space, held) =>
      rangeOfPool(space).some((range) => includes(range, held)) ? book[space].pool : book[space].rest,
    );
    return error;
  }
}
