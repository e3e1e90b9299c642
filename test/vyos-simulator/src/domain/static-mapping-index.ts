import { type Branch, branchAt, valueAt } from './config-tree.ts';
import { contains, type Ipv4Block, ipv4ToNumber } from './ipv4.ts';
import { compareNaturally } from './natural-order.ts';

type Kind = 'ip-address' | 'mac' | 'mac-address' | 'duid';
const WORDS: Record<Kind, string> = {
  'ip-address': 'IP address',
  mac: 'MAC address',
  'mac-address': 'MAC address',
  duid: 'DUID',
};

/** What a version asks of static mappings. */
export type MappingRules = {
  /** Leaves that identify a client; a mapping with an address needs exactly one of them. */
  readonly identifiers: readonly ('mac' | 'mac-address' | 'duid')[];
  /** What is said when it has none, or two; `where` is "network, subnet". */
  readonly unidentified: (name: string, where: string) => string;
  /** Leaves whose values two active mappings of a subnet must not share, in the order they are looked at. */
  readonly unique: readonly Kind[];
};

/** What is wrong with one mapping by itself. */
type Trouble = 'outside' | 'unidentified';

/**
 * The static mappings of one subnet, and the rules for them (service_dhcp-server.py). Duplicates are looked for
 * within the subnet only, disabled mappings are skipped, and MACs are compared as text: two cases of one MAC pass.
 * Kept up to date mapping by mapping, so that a commit costs as much as it changes.
 */
export class StaticMappingIndex {
  readonly #block: Ipv4Block;
  readonly #rules: MappingRules;
  readonly #values = new Map<string, readonly (readonly [Kind, string])[]>();
  readonly #holders: Record<Kind, Map<string, Set<string>>> = {
    'ip-address': new Map(),
    mac: new Map(),
    'mac-address': new Map(),
    duid: new Map(),
  };
  /** Values that more than one active mapping holds. */
  readonly #shared: Record<Kind, Set<string>> = {
    'ip-address': new Set(),
    mac: new Set(),
    'mac-address': new Set(),
    duid: new Set(),
  };
  readonly #troubles = new Map<string, Trouble>();

  constructor(mappings: Branch | undefined, block: Ipv4Block, rules: MappingRules) {
    this.#block = block;
    this.#rules = rules;
    for (const name of mappings?.children.keys() ?? []) this.update(name, branchAt(mappings, name));
  }

  /** Takes note of what this mapping is now; undefined: it is gone. */
  update(name: string, mapping: Branch | undefined): void {
    for (const [kind, value] of this.#values.get(name) ?? []) this.#release(kind, value, name);
    this.#values.delete(name);
    this.#troubles.delete(name);
    if (mapping === undefined) return;
    const trouble = this.#troubleOf(mapping);
    if (trouble !== undefined) this.#troubles.set(name, trouble);
    if (mapping.children.has('disable')) return;
    const values = this.#rules.unique.flatMap((kind) => {
      const value = valueAt(mapping, kind);
      return value === undefined ? [] : [[kind, value] as const];
    });
    for (const [kind, value] of values) this.#hold(kind, value, name);
    this.#values.set(name, values);
  }

  /** The first error in the order of names; `where` is "network, subnet". */
  error(where: string): string | undefined {
    const candidates = [...this.#troubles].map(([name, trouble]) => ({
      name,
      rank: 0,
      text: this.#troubleText(trouble, name, where),
    }));
    for (const [at, kind] of this.#rules.unique.entries()) {
      for (const value of this.#shared[kind]) {
        const name = [...(this.#holders[kind].get(value) ?? [])].sort(compareNaturally)[1] ?? '';
        candidates.push({
          name,
          rank: at + 1,
          text: `Configured ${WORDS[kind]} for static mapping "${name}" already exists on another static mapping`,
        });
      }
    }
    return candidates.sort((left, right) => compareNaturally(left.name, right.name) || left.rank - right.rank)[0]?.text;
  }

  #troubleOf(mapping: Branch): Trouble | undefined {
    const address = valueAt(mapping, 'ip-address');
    if (address === undefined) return undefined;
    if (!contains(this.#block, ipv4ToNumber(address) ?? -1)) return 'outside';
    const identified = this.#rules.identifiers.filter((leaf) => mapping.children.has(leaf)).length;
    return identified === 1 ? undefined : 'unidentified';
  }

  #troubleText(trouble: Trouble, name: string, where: string): string {
    if (trouble === 'unidentified') return this.#rules.unidentified(name, where);
    return `Configured static lease address for mapping "${name}" is\nnot within shared-network "${where}"!`;
  }

  #hold(kind: Kind, value: string, name: string): void {
    const holders = this.#holders[kind].get(value) ?? new Set();
    this.#holders[kind].set(value, holders.add(name));
    if (holders.size > 1) this.#shared[kind].add(value);
  }

  #release(kind: Kind, value: string, name: string): void {
    const holders = this.#holders[kind].get(value);
    holders?.delete(name);
    if (holders === undefined || holders.size < 2) this.#shared[kind].delete(value);
    if (holders?.size === 0) this.#holders[kind].delete(value);
  }
}
