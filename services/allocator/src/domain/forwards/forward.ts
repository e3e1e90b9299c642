import { externalPortTaken } from '../errors.ts';
import { lengthOf, type NumberRange, overlapOf } from '../number-range.ts';

export type ForwardProtocol = 'tcp' | 'udp' | 'tcp_udp';

/** The spaces of ports that a protocol holds its port in. */
export const portSpacesOf = (protocol: ForwardProtocol): readonly ('tcp' | 'udp')[] =>
  protocol === 'tcp_udp' ? ['tcp', 'udp'] : [protocol];

/** A leaf of the router's configuration that Berth has no use for, and keeps as people wrote it. No values: a leaf without one. */
export interface ConfigLeaf {
  readonly path: readonly string[];
  readonly values: readonly string[];
}

/** How a rule that people made says what Berth's own rules say otherwise. */
export interface AdoptedForm {
  /** Empty: any. */
  readonly inboundInterface: string;
  /** Empty: any. */
  readonly destinationAddress: string;
  /** It names no internal port: packets keep theirs. */
  readonly keepsPort: boolean;
  readonly extra: readonly ConfigLeaf[];
}

/**
 * A forward of a VM: what it is, and whether it stands on the router. An absent one is remembered with its rule numbers, so that it can
 * be made again under the same ones.
 */
export interface Forward {
  readonly name: string;
  readonly protocol: ForwardProtocol;
  readonly state: 'enabled' | 'disabled' | 'absent';
  /** The ports on the VM. */
  readonly internal: NumberRange;
  /** The ports on the external address; null while it is absent, and in a plan: still to be chosen. */
  readonly external: NumberRange | null;
  /** How many external ports it has, or gets when it is made again: as many as internal ones, or any number that lead to the one. */
  readonly externalCount: number;
  /** The first external port, when the caller named it; 0: any run of the pool. */
  readonly fixedPort: number;
  /** Its rule number in the VM's block; null: it has none there. */
  readonly blockRule: number | null;
  /** Rule numbers of its own beside the block; null: none, or in a plan: still to be chosen. */
  readonly ownRules: NumberRange | null;
  /** Of the template that its VM was made by: then its number in the block is kept for it for good. */
  readonly ofTemplate: boolean;
  /** Addresses and networks that may use it; empty: any. */
  readonly sources: readonly string[];
  readonly description: string;
  /** Adopted, and on the ports that it was found on: its rule stays as people wrote it. */
  readonly form?: AdoptedForm;
}

/** The forward as Berth itself makes it: on the router's own interface and external address. */
export const inOwnForm = ({ form: _, ...forward }: Forward): Forward => forward;

export const stands = ({ state }: Forward): boolean => state !== 'absent';

/** One destination NAT rule leads a port to a port, several to one, or a range to the same range: it cannot shift a range. */
const shiftsRange = ({ internal, external }: Forward): boolean =>
  lengthOf(internal) > 1 && external?.first !== internal.first;

/** How many rules say what the forward is: one for each source, and for each port of a range that is shifted. */
export const ruleCount = (forward: Forward): number =>
  Math.max(1, forward.sources.length) * (shiftsRange(forward) ? lengthOf(forward.internal) : 1);

/** How many of its rules have no number in the VM's block. */
export const ownRuleCount = (forward: Forward): number => ruleCount(forward) - (forward.blockRule === null ? 0 : 1);

/** The numbers of its rules, in the order of `portPairsOf` for each source. */
export function ruleNumbersOf(forward: Forward): number[] {
  const { blockRule, ownRules } = forward;
  const own = ownRules ? Array.from({ length: lengthOf(ownRules) }, (_, index) => ownRules.first + index) : [];
  return [...(blockRule === null ? [] : [blockRule]), ...own].slice(0, ruleCount(forward));
}

/**
 * The forward with as many rule numbers of its own as it needs; when they are too few, a new run must be taken. Whatever changes the ports of
 * a forward that stands goes through here: whether a range is shifted decides how many rules it needs.
 */
export function withFittingRules(forward: Forward): Forward {
  const { ownRules } = forward;
  const count = ownRuleCount(forward);
  if (ownRules === null || lengthOf(ownRules) === count) return forward;
  const enough = count > 0 && lengthOf(ownRules) > count;
  return { ...forward, ownRules: enough ? { first: ownRules.first, last: ownRules.first + count - 1 } : null };
}

/** Which external ports lead to which internal ones, one pair per rule. */
export function portPairsOf(forward: Forward): { readonly external: NumberRange; readonly internal: NumberRange }[] {
  const { external, internal } = forward;
  if (external === null) return [];
  if (!shiftsRange(forward)) return [{ external, internal }];
  const single = (port: number): NumberRange => ({ first: port, last: port });
  return Array.from({ length: lengthOf(internal) }, (_, index) => ({
    external: single(external.first + index),
    internal: single(internal.first + index),
  }));
}

/** Throws when two forwards of one VM would have an external port in common. */
export function assertPortsApart(forwards: readonly Forward[]): void {
  const known: { readonly protocol: ForwardProtocol; readonly external: NumberRange }[] = [];
  for (const { protocol, external } of forwards.filter(stands)) {
    if (external === null) continue;
    for (const other of known) {
      const common = overlapOf(external, other.external);
      const spaces = portSpacesOf(other.protocol);
      if (common && portSpacesOf(protocol).some((space) => spaces.includes(space)))
        throw externalPortTaken(common.first);
    }
    known.push({ protocol, external });
  }
}

/** Moves what forwards have of the VM's block along with it. */
export const moveBlock = (forwards: readonly Forward[], by: number): Forward[] =>
  forwards.map((forward) => ({
    ...forward,
    blockRule: forward.blockRule === null ? null : forward.blockRule + by,
  }));
