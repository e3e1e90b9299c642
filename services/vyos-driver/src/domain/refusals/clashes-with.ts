import type { OwnedContent } from '../changes/plan.ts';
import type { Clash, Conflict } from '../changes/verdict.ts';
import { type ConfigPath, type ConfigTree, pathOfKey } from '../config-tree.ts';
import { asConfig, type FoundMapping, type FoundRule, mappingsIn, rulesIn } from '../inventory/foreign-objects.ts';
import { childOf, isTree, normalTree } from '../normal-tree.ts';
import { overlap, portsOf, protocolsOf } from '../port-set.ts';

/**
 * Why `content` cannot stand beside what others have in `config`; undefined when it can. `ownedKeys`: the paths in `config`
 * that are not others'. Compared as the packets and the DHCP server see it, which is more than the router checks: names and MAC addresses
 * ignoring case, ports of the same address and interface.
 */
export function clashesWith(
  config: ConfigTree,
  ownedKeys: ReadonlySet<string>,
  content: OwnedContent,
): Clash | undefined {
  const wanted = asConfig(content);
  const mappings = mappingsIn(config, ownedKeys);
  for (const mapping of mappingsIn(wanted)) {
    const reason = mappings.map((other) => mappingClash(mapping, other)).find((found) => found !== undefined);
    if (reason !== undefined) return reason;
  }
  const rules = rulesIn(config, ownedKeys);
  for (const rule of rulesIn(wanted)) {
    const reason = rules.map((other) => ruleClash(rule, other)).find((found) => found !== undefined);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** The conflict about an owned path itself: it stands for the number of a rule or the name of a mapping. */
export function conflictOn(key: string): Conflict {
  const path = pathOfKey(key);
  const name = path.at(-1) ?? '';
  if (path[0] !== 'nat') return conflictAt(path, { kind: 'mapping_name', value: name });
  return conflictAt(path, { kind: 'rule_number', firstNumber: Number(name), lastNumber: Number(name) });
}

/** The parts of `to` that ask for something which can clash with others and does not stand like that in `from`. */
export const newlyContested = (from: OwnedContent, to: OwnedContent): OwnedContent =>
  new Map(
    [...to].filter(([key, tree]) => {
      const standing = from.get(key);
      return standing === undefined || JSON.stringify(contested(standing)) !== JSON.stringify(contested(tree));
    }),
  );

/** Everything of a rule or a mapping that `clashesWith` compares, names and numbers aside: those are in the path. */
const contested = (tree: ConfigTree) =>
  ['destination', 'inbound-interface', 'protocol', 'ip-address', 'mac', 'mac-address'].map((name) => {
    const node = childOf(tree, name);
    return isTree(node) ? normalTree(node) : node;
  });

const clash = (conflict: Conflict, text: string): Clash => ({ conflict, text });

/** A conflict with what stands at `path`. */
const conflictAt = (path: ConfigPath, some: Pick<Conflict, 'kind'> & Partial<Conflict>): Conflict => ({
  value: '',
  firstNumber: 0,
  lastNumber: 0,
  ...some,
  path: path.join(' '),
});

function mappingClash(wanted: FoundMapping, other: FoundMapping): Clash | undefined {
  if (wanted.name.toLowerCase() === other.name.toLowerCase()) {
    return clash(
      conflictAt(other.path, { kind: 'mapping_name', value: wanted.name }),
      `The static mapping name ${wanted.name} is taken on the router by ${other.path.join(' ')}.`,
    );
  }
  // Kea takes one reservation of a MAC address or an address in each subnet.
  if (wanted.subnet !== other.subnet) return undefined;
  const taken = (kind: Conflict['kind'], what: string, value: string) =>
    clash(
      conflictAt(other.path, { kind, value }),
      `The ${what} ${value} is taken on the router by the static mapping ${other.name}.`,
    );
  if (wanted.mac !== '' && wanted.mac === other.mac) return taken('mac', 'MAC address', wanted.mac);
  if (wanted.ipAddress !== '' && wanted.ipAddress === other.ipAddress)
    return taken('address', 'address', wanted.ipAddress);
  return undefined;
}

function ruleClash(wanted: FoundRule, other: FoundRule): Clash | undefined {
  const number = Number(wanted.number);
  if (number === Number(other.number)) {
    return clash(
      conflictAt(other.path, { kind: 'rule_number', firstNumber: number, lastNumber: number }),
      `The destination rule ${other.number} exists on the router.`,
    );
  }
  if (!samePlace(wanted, other)) return undefined;
  const ports = portsOf(other.destinationPort);
  const port = portsOf(wanted.destinationPort).find((range) => ports.some((taken) => overlap(range, taken)));
  if (port === undefined) return undefined;
  const text = port.first === port.last ? `${port.first}` : `${port.first}-${port.last}`;
  return clash(
    conflictAt(other.path, { kind: 'port', firstNumber: port.first, lastNumber: port.last }),
    `The external port ${text} is taken on the router by destination rule ${other.number}.`,
  );
}

/** Whether a packet may come to both rules. */
function samePlace(a: FoundRule, b: FoundRule): boolean {
  const protocols = protocolsOf(b.protocol);
  return (
    protocolsOf(a.protocol).some((protocol) => protocols.includes(protocol)) &&
    mayMeet(a.inboundInterface, b.inboundInterface, /^!|\*$|^any$/) &&
    // A network, a range or a negation may hold the other's address.
    mayMeet(a.destinationAddress, b.destinationAddress, /[!/-]/)
  );
}

const mayMeet = (a: string, b: string, manyValues: RegExp): boolean =>
  a === '' || b === '' || a === b || manyValues.test(a) || manyValues.test(b);
