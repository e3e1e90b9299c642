import { DomainError } from '@berth/errors';
import {
  addressPoolExhausted,
  externalPortTaken,
  noDefaultPool,
  poolNotActive,
  portPoolExhausted,
  protocolNotInPool,
  rulePoolExhausted,
} from '../errors.ts';
import { type ForwardProtocol, portSpacesOf } from '../forwards/forward.ts';
import { formatIpv4 } from '../ipv4.ts';
import { includes, type NumberRange } from '../number-range.ts';
import type { PoolKind } from '../pools/pool.ts';
import { nameOf, type Source } from '../pools/pool-directory.ts';
import { FreeSpans } from './free-spans.ts';
import { keptRuns } from './kept-runs.ts';

/** The kinds of numbers that a router hands out; in each, a value has one holder. Ports: on an external address. */
export type SpaceKind = 'address' | 'tcp' | 'udp' | 'rule';

/** The part of a pool, or of what is of no pool, that lies in one space. */
export interface Segment {
  readonly id: number;
  readonly free: FreeSpans;
}

/** What there is of one kind: the pool's, and that of no pool for those who ask for a certain range. */
export interface SpaceBook {
  readonly pool: Segment | undefined;
  readonly rest: Segment | undefined;
}

export type ValueBook = Readonly<Record<SpaceKind, SpaceBook>>;

/** Where one VM's values come from. */
export interface Sources {
  readonly router: string;
  /** The router's address that its ports are on. */
  readonly externalIp: string;
  readonly address: Source;
  readonly ports: Source;
  readonly rules: Source;
}

/** An external port, or a run of neighbouring ones, that is asked for. */
export interface PortDemand {
  /** The forward's name. */
  readonly slot: string;
  readonly protocol: ForwardProtocol;
  readonly count: number;
  /** Exactly this one (of a run: the first); 0: any. */
  readonly exact: number;
  readonly within: NumberRange | undefined;
}

/** Neighbouring rule numbers that are asked for. */
export interface RuleDemand {
  /** The forward's name; empty: the VM's block. */
  readonly slot: string;
  readonly count: number;
}

/** All that one VM asks for at once. */
export interface Demand {
  readonly address: { readonly within: NumberRange | undefined } | undefined;
  readonly ports: readonly PortDemand[];
  readonly rules: readonly RuleDemand[];
}

/** A value in quarantine whose former holder is asking. */
export interface KeptValue {
  readonly id: string;
  readonly space: SpaceKind;
  /** Which segment it is of by now; null: of none. */
  readonly segmentId: number | null;
  readonly held: NumberRange;
  readonly slot: string;
}

/** A value taken. */
export interface TakenValue {
  readonly space: SpaceKind;
  readonly held: NumberRange;
  /** The forward's name; empty for the address and the block of rule numbers. */
  readonly slot: string;
  readonly segmentId: number;
  /** The quarantines that it comes back from; none for one that was free. */
  readonly keptIds: readonly string[];
}

/** What one VM got. */
export interface Chosen {
  readonly address: number | undefined;
  /** The address is of the pool, not of none. */
  readonly addressOfPool: boolean;
  /** The (first) external port by forward. */
  readonly ports: ReadonlyMap<string, number>;
  /** Rule numbers by slot. */
  readonly rules: ReadonlyMap<string, NumberRange>;
  readonly taken: readonly TakenValue[];
}

/** Collects what one VM takes, so that all of it can be put back when a later part is not to be had. */
class Basket {
  readonly taken: TakenValue[] = [];
  readonly #book: ValueBook;
  readonly #kept: KeptValue[];
  readonly #fresh: { readonly free: FreeSpans; readonly held: NumberRange }[] = [];

  constructor(book: ValueBook, kept: readonly KeptValue[]) {
    this.#book = book;
    this.#kept = [...kept];
  }

  /** What this VM held before, in all of these spaces, if it still fits and is of the pool; with `orRest`, also when it is of none. */
  kept(
    { spaces, slot, count }: { spaces: readonly SpaceKind[]; slot: string; count: number },
    orRest: boolean,
    fits: (held: NumberRange) => boolean,
  ) {
    const ofSlot = this.#kept.filter((value) => value.slot === slot && this.#isOurs(value, orRest));
    const [first, ...others] = spaces.map((space) =>
      keptRuns(
        ofSlot.filter((value) => value.space === space),
        count,
      ).find(({ held }) => fits(held)),
    );
    if (first === undefined || others.some((other) => other?.held.first !== first.held.first)) return undefined;
    for (const run of [first, ...others]) {
      if (run === undefined) continue;
      for (const value of run.values) this.#kept.splice(this.#kept.indexOf(value), 1);
      const { space, segmentId } = run;
      this.taken.push({ space, held: run.held, slot, segmentId, keptIds: run.values.map(({ id }) => id) });
    }
    return first.held;
  }

  #isOurs({ segmentId, space }: KeptValue, orRest: boolean): boolean {
    const { pool, rest } = this.#book[space];
    return segmentId !== null && (segmentId === pool?.id || (orRest && segmentId === rest?.id));
  }

  /** The lowest run of the pool; with `within`, else of no pool. */
  run(spaces: readonly SpaceKind[], slot: string, count: number, within: NumberRange | undefined) {
    for (const part of within ? (['pool', 'rest'] as const) : (['pool'] as const)) {
      const segments = spaces.map((space) => this.#book[space][part]);
      const [one, other = one] = segments;
      if (one === undefined || other === undefined) continue;
      const first =
        one === other
          ? takeRun(one.free, within, count)
          : FreeSpans.takeLowestCommon(one.free, other.free, within, count);
      if (first === undefined) continue;
      const held = { first, last: first + count - 1 };
      for (const space of spaces) this.#put(space, slot, held, this.#book[space][part]);
      return held;
    }
    return undefined;
  }

  exactly(space: SpaceKind, slot: string, held: NumberRange): boolean {
    const { pool, rest } = this.#book[space];
    const segment = [pool, rest].find((one) => one?.free.take(held));
    this.#put(space, slot, held, segment);
    return segment !== undefined;
  }

  block(slot: string, length: number): NumberRange | undefined {
    const { pool } = this.#book.rule;
    const held = pool?.free.takeBlock(length);
    if (held) this.#put('rule', slot, held, pool);
    return held;
  }

  /** Puts everything back. */
  empty(): void {
    for (const { free, held } of this.#fresh) free.release(held);
  }

  #put(space: SpaceKind, slot: string, held: NumberRange, segment: Segment | undefined): void {
    if (segment === undefined) return;
    this.#fresh.push({ free: segment.free, held });
    this.taken.push({ space, held, slot, segmentId: segment.id, keptIds: [] });
  }
}

/** A run anywhere comes out of the smallest span with room, which is found without looking at those before it. */
const takeRun = (free: FreeSpans, within: NumberRange | undefined, count: number): number | undefined =>
  count > 1 && within === undefined ? free.takeBlock(count)?.first : free.takeLowest(within, count);

/** Throws unless the source hands out values; `byRange`: the caller said where, so there may be values of no pool. */
function assertHandsOut({ pool, only }: Source, { router }: Sources, kind: PoolKind, byRange: boolean): void {
  if (pool && pool.state !== 'active') throw poolNotActive(nameOf(pool), pool.state);
  if (pool === undefined && (only || !byRange)) throw noDefaultPool(router, kind);
}

const poolName = ({ pool }: Source): string | undefined => pool && nameOf(pool);
const shown = ({ first, last }: NumberRange) => `${first}-${last}`;

function choosePort(basket: Basket, sources: Sources, demand: Demand, port: PortDemand): number {
  const { slot, protocol, exact, count, within } = port;
  const { ports: source } = sources;
  const spaces = portSpacesOf(protocol);
  const missing = source.pool && spaces.find((space) => !source.pool?.protocols.includes(space));
  if (source.pool && missing) {
    throw protocolNotInPool(`ports[${demand.ports.indexOf(port)}].protocol`, missing, nameOf(source.pool));
  }
  const byRange = exact !== 0 || within !== undefined;
  assertHandsOut(source, sources, 'port-pools', byRange);
  const fits = (held: NumberRange) =>
    exact === 0 ? within === undefined || includes(within, held) : held.first === exact;
  const kept = basket.kept({ spaces, slot, count }, byRange, fits);
  if (kept) return kept.first;
  if (exact !== 0) {
    const held = { first: exact, last: exact + count - 1 };
    if (!spaces.every((space) => basket.exactly(space, slot, held))) throw externalPortTaken(exact);
    return exact;
  }
  const run = basket.run(spaces, slot, count, within);
  if (run === undefined) throw portPoolExhausted(askedPorts(demand, port), poolName(source));
  return run.first;
}

function askedPorts({ ports }: Demand, { count, protocol, within }: PortDemand): string {
  const all = ports.reduce((sum, port) => sum + port.count, 0);
  const run = count > 1 ? `, ${count} of them neighbours` : '';
  return `${all} external ${all === 1 ? 'port' : 'ports'}${run} (${protocol.replace('_', ' and ')}${within ? ` within ${shown(within)}` : ''})`;
}

function chooseAddress(basket: Basket, sources: Sources, within: NumberRange | undefined): number {
  assertHandsOut(sources.address, sources, 'ip-pools', within !== undefined);
  const kept = basket.kept(
    { spaces: ['address'], slot: '', count: 1 },
    within !== undefined,
    (held) => within === undefined || includes(within, held),
  );
  const address = kept ?? basket.run(['address'], '', 1, within);
  const where = within ? ` within ${formatIpv4(within.first)}-${formatIpv4(within.last)}` : '';
  if (address === undefined) throw addressPoolExhausted(`1 address${where}`, poolName(sources.address));
  return address.first;
}

function chooseRules(basket: Basket, sources: Sources, { slot, count }: RuleDemand): NumberRange {
  assertHandsOut(sources.rules, sources, 'rule-pools', false);
  const kept = basket.kept({ spaces: ['rule'], slot, count }, false, () => true);
  const rules = kept ?? basket.block(slot, count);
  if (rules === undefined) {
    throw rulePoolExhausted(
      `${count} neighbouring rule ${count === 1 ? 'number' : 'numbers'}`,
      poolName(sources.rules),
    );
  }
  return rules;
}

/**
 * Takes all that `demand` asks for out of `book`, or nothing: what is not to be had comes back as the error, naming the pool. Prefers what
 * the VM's name held before (`kept`), then exactly what was named, then the lowest.
 */
export function chooseValues(
  book: ValueBook,
  sources: Sources,
  demand: Demand,
  kept: readonly KeptValue[],
): Chosen | DomainError {
  const basket = new Basket(book, kept);
  try {
    const address = demand.address && chooseAddress(basket, sources, demand.address.within);
    const addressOfPool = basket.taken.some(({ segmentId }) => segmentId === book.address.pool?.id);
    // Those who name their port come first, so that the others of the same VM do not take it.
    const inOrder = [...demand.ports].sort((a, b) => Number(b.exact !== 0) - Number(a.exact !== 0));
    const ports = new Map(inOrder.map((port) => [port.slot, choosePort(basket, sources, demand, port)]));
    const rules = new Map(demand.rules.map((rule) => [rule.slot, chooseRules(basket, sources, rule)]));
    return { address, addressOfPool, ports, rules, taken: basket.taken };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    basket.empty();
    return error;
  }
}
