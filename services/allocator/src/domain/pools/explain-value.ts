import { formatIpv4, parseIpv4, parsePrefix } from '../ipv4.ts';
import { includes, type NumberRange } from '../number-range.ts';
import type { SpaceKind } from '../values/choose-values.ts';
import { addressesOf, knownSubnets } from './known-subnets.ts';
import type { RouterPlace } from './place-pool.ts';
import { type Pool, type PoolKind, resourceName } from './pool.ts';
import { forwardablePorts } from './pool-segments.ts';

/** Who holds a value, as far as the asker may know; what is empty is not told. */
export interface ValueHolder {
  readonly kind: 'vm' | 'reserved' | 'planned' | 'quarantine' | 'foreign';
  readonly vmName: string;
  /** Of a reservation its note, of others where it stands on the router. */
  readonly note: string;
  readonly until: Date | null;
}

/** A value of one space, and what is known of it. */
export interface ValueFacts {
  readonly space: SpaceKind;
  readonly value: number;
  /** The pool whose part of the space has it; null: it is of none, and callers may name it; undefined: nobody can have it. */
  readonly pool: Pool | null | undefined;
  /** Whether the asker may know of that pool. */
  readonly poolIsKnown: boolean;
  readonly holder: ValueHolder | undefined;
}

/** Why a value is held, free or never handed out, for people; and whether it could be handed out now. */
export function explainValue(
  facts: ValueFacts,
  place: RouterPlace,
  pools: readonly Pool[],
): { readonly available: boolean; readonly reason: string } {
  const { space, value, pool, holder } = facts;
  const text = space === 'address' ? formatIpv4(value) : space === 'rule' ? `rule ${value}` : `${space} port ${value}`;
  if (holder) return { available: false, reason: `${text} ${heldBy(holder)}` };
  if (pool === null)
    return { available: true, reason: `${text} is free and of no pool: callers who ask for it by range can have it` };
  if (pool === undefined) return { available: false, reason: `${text} ${neverHandedOut(facts, place, pools)}` };
  const name = facts.poolIsKnown ? resourceName(pool) : 'a pool of others';
  return pool.state === 'active'
    ? { available: true, reason: `${text} is free, and ${name} hands it out` }
    : { available: false, reason: `${text} is free, and not handed out: ${name} is ${pool.state}` };
}

function heldBy({ kind, vmName, note, until }: ValueHolder): string {
  switch (kind) {
    case 'vm':
      return vmName === '' ? 'is held by a VM' : `is held by the VM ${vmName}`;
    case 'reserved':
      return `is reserved${note === '' ? '' : ` (${note})`}${until ? ` until ${until.toISOString()}` : ''}`;
    case 'planned':
      return `is held by a ${note === '' ? 'plan' : note}${until ? ` until ${until.toISOString()}` : ''}`;
    case 'quarantine':
      return `rests${until ? ` until ${until.toISOString()}` : ''}, since ${vmName === '' ? 'a VM' : `the VM ${vmName}`} gave it up`;
    case 'foreign': {
      const sort = / range \S+$/.test(note)
        ? 'is given out by the router’s own DHCP'
        : 'is held by others on the router';
      return note === '' ? sort : `${sort} (${note})`;
    }
  }
}

/** Why a value that nobody holds and no pool can hand out is so. */
function neverHandedOut({ space, value }: ValueFacts, place: RouterPlace, pools: readonly Pool[]): string {
  const at: NumberRange = { first: value, last: value };
  if (space === 'address') {
    const home = knownSubnets(place).find(({ subnet }) => includes(parsePrefix(subnet) ?? { first: 1, last: 0 }, at));
    if (home === undefined) {
      const subnets = knownSubnets(place).map(({ subnet }) => subnet);
      return `lies outside of every DHCP subnet of the router (${subnets.join(', ')}): never handed out`;
    }
    const range = parsePrefix(home.subnet);
    if (parseIpv4(home.gateway) === value) return `is the gateway of ${home.subnet}: never handed out`;
    if (range?.first === value) return `is the network address of ${home.subnet}: never handed out`;
    if (range?.last === value) return `is the broadcast address of ${home.subnet}: never handed out`;
  }
  if ((space === 'tcp' || space === 'udp') && !includes(forwardablePorts, at)) {
    return 'is below 1024, where services of the router itself are: never handed out';
  }
  const excluding = poolOfExcluded(space, value, pools);
  return excluding ? `is excluded from ${resourceName(excluding)}: never handed out` : 'is of no pool: not handed out';
}

/** The pool that is written to have the value, though it never hands it out. */
function poolOfExcluded(space: SpaceKind, value: number, pools: readonly Pool[]): Pool | undefined {
  const kind: PoolKind = space === 'address' ? 'ip-pools' : space === 'rule' ? 'rule-pools' : 'port-pools';
  const rangesOf = ({ spec }: Pool) => (spec.kind === 'ip-pools' ? addressesOf(spec) : spec.ranges);
  return pools.find(
    (pool) => pool.spec.kind === kind && rangesOf(pool).some((range) => includes(range, { first: value, last: value })),
  );
}
