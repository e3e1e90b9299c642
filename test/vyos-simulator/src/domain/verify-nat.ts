import { type CommitView, type ConfigScript, type Finding, nothingFound } from './component.ts';
import { type Branch, branchAt, type Path, sortedNames, valueAt, valuesAt } from './config-tree.ts';
import { ipv4BlockAround, ipv4Network } from './ipv4.ts';
import { compareNaturally } from './natural-order.ts';

export type Direction = 'source' | 'destination' | 'static';
export type RuleFinding = { readonly warnings: readonly string[]; readonly error: string | undefined };
/** What one version's script says of one rule. */
export type VerifyRule = (direction: Direction, name: string, rule: Branch, view: CommitView) => RuleFinding;

const DIRECTIONS: readonly Direction[] = ['source', 'destination', 'static'];
const GROUPS = ['address-group', 'domain-group', 'network-group', 'port-group'] as const;
const WITH_PORTS = new Set(['tcp', 'udp', 'tcp_udp']);

/**
 * conf_mode/nat.py: every rule is verified on each commit, source rules first, and the first error ends it; the
 * warnings of all rules before it are printed. Findings of unchanged rules are remembered, so a commit costs as much as
 * it changes.
 */
export class NatScript implements ConfigScript {
  /** Rules of the running configuration with a warning or an error, by direction and number; undefined: look at all. */
  #known: Map<Direction, Map<string, RuleFinding>> | undefined;
  readonly #verifyRule: VerifyRule;

  constructor(verifyRule: VerifyRule) {
    this.#verifyRule = verifyRule;
  }

  verify(view: CommitView): Finding {
    const nat = branchAt(view.proposed, 'nat');
    if (nat === undefined) {
      this.#known = undefined;
      return nothingFound;
    }
    const paths = view.changes.map(({ path }) => path);
    const touched = this.#known === undefined ? undefined : touchedRules(paths);
    const found = new Map(DIRECTIONS.map((direction) => [direction, this.#lookAt(direction, nat, touched, view)]));
    const result = firstError(found);
    // Findings that rest on groups or interfaces of this very commit may not hold once another component fails.
    if (result.error === undefined) this.#known = touchesSurroundings(paths) ? undefined : found;
    return result;
  }

  /** What is wrong with the rules of one direction: those touched are looked at again, all of them when none are named. */
  #lookAt(
    direction: Direction,
    nat: Branch,
    touched: ReadonlyMap<Direction, readonly string[]> | undefined,
    view: CommitView,
  ): Map<string, RuleFinding> {
    const rules = branchAt(nat, direction, 'rule');
    const names = touched === undefined ? sortedNames(rules) : (touched.get(direction) ?? []);
    const findings = new Map(touched === undefined ? [] : this.#known?.get(direction));
    for (const name of names) {
      findings.delete(name);
      const rule = branchAt(rules, name);
      if (rule === undefined) continue;
      const finding = this.#verifyRule(direction, name, rule, view);
      if (finding.error !== undefined || finding.warnings.length > 0) findings.set(name, finding);
    }
    return findings;
  }

  forget(): void {
    this.#known = undefined;
  }
}

function firstError(found: ReadonlyMap<Direction, ReadonlyMap<string, RuleFinding>>): Finding {
  const warnings: string[] = [];
  for (const direction of DIRECTIONS) {
    const ordered = [...(found.get(direction) ?? [])].sort(([left], [right]) => compareNaturally(left, right));
    for (const [, finding] of ordered) {
      warnings.push(...finding.warnings);
      if (finding.error !== undefined) return { warnings, error: finding.error };
    }
  }
  return { warnings };
}

function touchesSurroundings(paths: readonly Path[]): boolean {
  return paths.some(
    ([first, second]) =>
      first === 'interfaces' || (first === 'firewall' && (second === undefined || second === 'group')),
  );
}

/** The rules that these changes touch, or undefined when they touch what all rules depend on. */
function touchedRules(paths: readonly Path[]): Map<Direction, string[]> | undefined {
  if (touchesSurroundings(paths)) return undefined;
  const touched = new Map<Direction, Set<string>>();
  for (const [first, direction, , name] of paths) {
    if (first !== 'nat') continue;
    if (name === undefined || !isDirection(direction)) return undefined;
    touched.set(direction, (touched.get(direction) ?? new Set()).add(name));
  }
  return new Map([...touched].map(([direction, names]) => [direction, [...names]]));
}

const isDirection = (text: string | undefined): text is Direction => DIRECTIONS.some((direction) => direction === text);

/** nat.py of 1.4 and 1.5. */
export const verifyNatRule: VerifyRule = (direction, name, rule, view) => {
  const warnings: string[] = [];
  const title = { source: 'Source', destination: 'Destination', static: 'Static' }[direction];
  const where = `${title} NAT configuration error in rule ${name}:`;
  const error =
    (direction === 'static'
      ? staticError(rule, where)
      : interfaceError(direction, name, rule, where, view, warnings)) ??
    (direction === 'static' ? undefined : translationError(direction, rule, where)) ??
    (direction === 'source' ? sourceAddressWarnings(rule, view, warnings) : undefined) ??
    commonError(rule, where, view, warnings);
  return { warnings, error };
};

function staticError(rule: Branch, where: string): string | undefined {
  return rule.children.has('inbound-interface') ? undefined : `${where} inbound-interface not specified`;
}

function interfaceError(
  direction: 'source' | 'destination',
  name: string,
  rule: Branch,
  where: string,
  view: CommitView,
  warnings: string[],
): string | undefined {
  const at = branchAt(rule, direction === 'source' ? 'outbound-interface' : 'inbound-interface');
  if (at === undefined) return undefined;
  const interfaceName = valueAt(at, 'name');
  const groupName = valueAt(at, 'group')?.replace(/^!/, '');
  if (interfaceName !== undefined && groupName !== undefined) {
    const rules = direction === 'source' ? 'nat source rule' : 'destination nat rule';
    return `${where} cannot specify both interface group and interface name for ${rules} "${name}"`;
  }
  if (interfaceName !== undefined) {
    const plain = interfaceName.replace(/^!/, '');
    // The router asks whether the name is a part of the word "any".
    if (!'any'.includes(interfaceName) && !view.system.interfaces.has(plain)) {
      warnings.push(`Interface "${plain}" for ${direction} NAT rule "${name}" does not exist!`);
    }
    return undefined;
  }
  if (groupName === undefined) return keyErrorTraceback('group');
  const group = branchAt(view.proposed, 'firewall', 'group', 'interface-group', groupName);
  if (group === undefined) return `Invalid interface group "${groupName}" on ${direction} nat rule`;
  if (group.children.size === 0) warnings.push(`interface-group "${groupName}" has no members!`);
  return undefined;
}

/** An interface node left empty trips the script itself; the router shows Python's words (T6608). */
function keyErrorTraceback(key: string): string {
  return `Traceback (most recent call last): KeyError: '${key}'`;
}

function translationError(direction: 'source' | 'destination', rule: Branch, where: string): string | undefined {
  const translation = branchAt(rule, 'translation');
  const translates = valueAt(translation, 'address') || valueAt(translation, 'port');
  const redirects = direction === 'destination' && translation?.children.has('redirect');
  const spared = rule.children.has('exclude') || branchAt(rule, 'load-balance')?.children.has('backend');
  return translates || redirects || spared ? undefined : `${where} translation requires address and/or port`;
}

function sourceAddressWarnings(rule: Branch, view: CommitView, warnings: string[]): undefined {
  const address = valueAt(rule, 'translation', 'address');
  if (address === undefined || address === 'masquerade' || ipv4Network(address) !== undefined) return;
  for (const ip of address.split('-')) {
    const assigned = view.system.addresses.some(
      (own) => own.split('/')[0] === ip && ipv4BlockAround(own) !== undefined,
    );
    if (!assigned) warnings.push(`IP address ${ip} does not exist on the system!`);
  }
}

function commonError(rule: Branch, where: string, view: CommitView, warnings: string[]): string | undefined {
  const protocol = valueAt(rule, 'protocol') ?? 'all';
  const ports = [
    ['translation', 'port'],
    ['translation', 'redirect', 'port'],
    ['destination', 'port'],
    ['source', 'port'],
  ];
  if (!WITH_PORTS.has(protocol) && ports.some((path) => valuesAt(rule, ...path).length > 0)) {
    return `${where} ports can only be specified when protocol is either tcp, udp or tcp_udp!`;
  }
  for (const side of ['destination', 'source']) {
    const error = sideError(branchAt(rule, side), protocol, view, warnings);
    if (error !== undefined) return error;
  }
  return loadBalanceError(branchAt(rule, 'load-balance'), protocol, warnings);
}

function sideError(
  side: Branch | undefined,
  protocol: string,
  view: CommitView,
  warnings: string[],
): string | undefined {
  if (side === undefined) return undefined;
  if (side.children.has('address') && side.children.has('fqdn'))
    return 'Only one of address, fqdn or geoip can be specified';
  const groups = branchAt(side, 'group');
  if (groups === undefined) return undefined;
  const kinds = ['address-group', 'network-group', 'domain-group'].filter((kind) => groups.children.has(kind));
  if (kinds.length > 1) return 'Only one address-group, network-group or domain-group can be specified';
  for (const kind of GROUPS) {
    const name = valueAt(groups, kind)?.replace(/^!/, '');
    if (name === undefined) continue;
    const other = ['address', 'fqdn'].find((one) => side.children.has(one));
    if (kind !== 'port-group' && other !== undefined) return `${kind} and ${other} cannot both be defined`;
    const group = branchAt(view.proposed, 'firewall', 'group', kind, name);
    if (group === undefined) return `Invalid ${kind} "${name}" on nat rule`;
    if (group.children.size === 0) warnings.push(`${kind} "${name}" has no members!`);
  }
  if (groups.children.has('port-group') && !WITH_PORTS.has(protocol)) {
    return 'Protocol must be tcp, udp, or tcp_udp when specifying a port-group';
  }
  return undefined;
}

function loadBalanceError(balance: Branch | undefined, protocol: string, warnings: string[]): string | undefined {
  if (balance === undefined) return undefined;
  const hashesPorts = valuesAt(balance, 'hash').some((hash) => hash.endsWith('-port'));
  if (hashesPorts && protocol !== 'tcp' && protocol !== 'udp')
    return 'Protocol must be tcp or udp when specifying hash ports';
  const backends = branchAt(balance, 'backend');
  if (backends === undefined) return undefined;
  const names = sortedNames(backends);
  if (names.some((name) => valueAt(backends, name, 'weight') === undefined)) return keyErrorTraceback('weight');
  const sum = names.reduce((total, name) => total + Number(valueAt(backends, name, 'weight')), 0);
  if (sum !== 100)
    warnings.push('Sum of weight for nat load balance rule is not 100. You may get unexpected behaviour');
  return undefined;
}
