import type { ConfigLeaf, Forward } from '../forwards/forward.ts';
import { portSpacesOf, ruleNumbersOf } from '../forwards/forward.ts';
import { parseIpv4 } from '../ipv4.ts';
import type { NumberRange } from '../number-range.ts';
import type { SpaceKind } from '../values/choose-values.ts';

/** A static mapping that people made, word for word. Texts that it does not have are empty. */
export interface FoundMapping {
  readonly network: string;
  readonly subnet: string;
  readonly name: string;
  readonly macAddress: string;
  readonly ipAddress: string;
  readonly disabled: boolean;
  readonly extra: readonly ConfigLeaf[];
}

/** A destination rule that people made, word for word. Texts that it does not have are empty. */
export interface FoundRule {
  readonly number: number;
  readonly inboundInterface: string;
  readonly protocol: string;
  readonly destinationAddress: string;
  readonly destinationPort: string;
  readonly translationAddress: string;
  readonly translationPort: string;
  readonly sourceAddress: string;
  readonly description: string;
  readonly disabled: boolean;
  readonly extra: readonly ConfigLeaf[];
}

/** What a VM is to be made of. */
export interface AdoptionRequest {
  readonly router: string;
  readonly vmName: string;
  /** In lower case. */
  readonly macAddress: string;
  /** The mapping's name. */
  readonly hostname: string;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly mapping: FoundMapping;
  /** Its rules as forwards, each with its number as one of its own, the lowest first. */
  readonly forwards: readonly Forward[];
}

/** A number that something on the router holds. */
export interface FoundValue {
  readonly kind: SpaceKind;
  /** Ports: the address that they are on; null: any. */
  readonly externalIp: string | null;
  readonly held: NumberRange;
  /** The forward's name; empty: the VM's. */
  readonly slot: string;
}

/** The numbers that a forward holds: its rules', and its external ports on the address that it names, or on all. */
export const valuesOfForward = (forward: Forward): FoundValue[] => {
  const { external, form, name: slot } = forward;
  const ports = external ? portSpacesOf(forward.protocol) : [];
  return [
    ...ruleNumbersOf(forward).map((number): FoundValue => {
      return { kind: 'rule', externalIp: null, held: { first: number, last: number }, slot };
    }),
    ...ports.flatMap((kind) =>
      external ? [{ kind, externalIp: form?.destinationAddress || null, held: external, slot }] : [],
    ),
  ];
};

/** The address of a mapping, as a number to hold. */
export function addressOf({ ipAddress }: FoundMapping): FoundValue {
  const address = parseIpv4(ipAddress);
  if (address === undefined) throw new Error('a mapping without an address was to be adopted');
  return { kind: 'address', externalIp: null, held: { first: address, last: address }, slot: '' };
}
