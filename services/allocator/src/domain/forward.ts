import type { NumberRange } from './number-range.ts';

export type ForwardProtocol = 'tcp' | 'udp' | 'tcp_udp';

/** The spaces of ports that a protocol holds its port in. */
export const portSpacesOf = (protocol: ForwardProtocol): readonly ('tcp' | 'udp')[] =>
  protocol === 'tcp_udp' ? ['tcp', 'udp'] : [protocol];

/**
 * A forward of a VM: what it is, and whether it stands on the router. An absent one is remembered, with its rule number, so that it can
 * be made again under the same number.
 */
export interface Forward {
  readonly name: string;
  readonly protocol: ForwardProtocol;
  readonly internalPort: number;
  readonly state: 'enabled' | 'disabled' | 'absent';
  /** 0 while it is absent. */
  readonly externalPort: number;
  readonly ruleNumber: number;
  /** The external port that the caller named; 0: any of the pool. */
  readonly fixedPort: number;
  readonly source: string;
  readonly description: string;
}

/** A forward that a caller asks for; what is 0 or empty has a default. */
export interface ForwardWish {
  readonly name: string;
  readonly protocol: ForwardProtocol | undefined;
  readonly internalPort: number;
  readonly externalPort: number;
  readonly source: string;
  readonly description: string;
  readonly disabled: boolean;
}

/** The forwards that every VM can have, in the order of their rule numbers from the VM's base. */
const template: readonly { readonly name: string; readonly internalPort: number }[] = [
  { name: 'ssh', internalPort: 22 },
  { name: 'http', internalPort: 80 },
  { name: 'https', internalPort: 443 },
];

export const templateNames: readonly string[] = template.map(({ name }) => name);

/** The wish for a template's forward with nothing else said. */
export const plainWish = (name: string): ForwardWish => ({
  name,
  protocol: undefined,
  internalPort: 0,
  externalPort: 0,
  source: '',
  description: '',
  disabled: false,
});

/** How many rule numbers a VM with these forwards needs: always the template's, then one for each other. */
export const ruleCount = (wishes: readonly ForwardWish[]): number =>
  template.length + wishes.filter(({ name }) => !templateNames.includes(name)).length;

/** The template's forward `name` as one that does not stand yet; undefined for another name. */
export function absentTemplateForward(name: string, rules: NumberRange): Forward | undefined {
  const index = templateNames.indexOf(name);
  const entry = template[index];
  if (entry === undefined) return undefined;
  return {
    name,
    protocol: 'tcp',
    internalPort: entry.internalPort,
    state: 'absent',
    externalPort: 0,
    ruleNumber: rules.first + index,
    fixedPort: 0,
    source: '',
    description: '',
  };
}

/** The forwards of a new VM: the template's keep their numbers from the base, the others follow in the order they were asked for. */
export function newForwards(
  wishes: readonly ForwardWish[],
  rules: NumberRange,
  ports: ReadonlyMap<string, number>,
): Forward[] {
  let next = rules.first + template.length;
  return wishes.map((wish) => {
    const index = templateNames.indexOf(wish.name);
    return {
      name: wish.name,
      protocol: wish.protocol ?? 'tcp',
      internalPort: wish.internalPort || (template[index]?.internalPort ?? 0),
      state: wish.disabled ? 'disabled' : 'enabled',
      externalPort: ports.get(wish.name) ?? 0,
      ruleNumber: index >= 0 ? rules.first + index : next++,
      fixedPort: wish.externalPort,
      source: wish.source,
      description: wish.description,
    };
  });
}
