import { type CommitView, type ConfigScript, type Finding, nothingFound } from './component.ts';
import { type Branch, branchAt, sortedNames, valueAt, valuesAt } from './config-tree.ts';

const GROUPS = ['address-group', 'domain-group', 'network-group', 'port-group', 'interface-group'] as const;
const NESTED_GROUPS = ['address-group', 'network-group', 'mac-group', 'port-group'];
const CHAINS = ['name', 'forward', 'input', 'output'];
const WITH_PORTS = new Set(['tcp', 'udp', 'tcp_udp']);

/** conf_mode/firewall.py of 1.4 and 1.5 (October 2024), for groups and IPv4 chains. Its errors do not name the rule. */
export class FirewallScript implements ConfigScript {
  verify(view: CommitView): Finding {
    const firewall = branchAt(view.proposed, 'firewall');
    if (firewall === undefined) return nothingFound;
    const warnings: string[] = [];
    const error = nestedGroupError(firewall) ?? chainsError(firewall, warnings);
    return error === undefined ? { warnings } : { warnings, error };
  }

  forget(): void {}
}

function nestedGroupError(firewall: Branch): string | undefined {
  for (const kind of NESTED_GROUPS) {
    const groups = branchAt(firewall, 'group', kind);
    for (const name of sortedNames(groups)) {
      const error = groups && includeError(name, groups, []);
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

function includeError(name: string, groups: Branch, seen: string[]): string | undefined {
  const included = valuesAt(groups, name, 'include');
  if (included.length === 0) return undefined;
  seen.push(name);
  for (const other of included) {
    if (!groups.children.has(other)) return `Nested group "${other}" does not exist`;
    if (seen.includes(other)) return `Group "${name}" has a circular reference`;
    const error = includeError(other, groups, seen);
    if (error !== undefined) return error;
  }
  return undefined;
}

function chainsError(firewall: Branch, warnings: string[]): string | undefined {
  for (const chain of CHAINS) {
    const priorities = branchAt(firewall, 'ipv4', chain);
    for (const priority of sortedNames(priorities)) {
      const hook = branchAt(priorities, priority);
      const error = hook && (defaultActionError(firewall, priority, hook) ?? rulesError(firewall, hook, warnings));
      if (error !== undefined) return error;
    }
  }
  return undefined;
}

function defaultActionError(firewall: Branch, priority: string, hook: Branch): string | undefined {
  const action = valueAt(hook, 'default-action') ?? 'accept';
  const target = valueAt(hook, 'default-jump-target');
  if (action === 'jump' && target === undefined)
    return 'default-action set to jump, but no default-jump-target specified';
  if (target === undefined) return undefined;
  if (action !== 'jump') return 'default-jump-target defined, but default-action jump needed and it is not defined';
  if (target === priority) return 'Loop detected on default-jump-target.';
  if (branchAt(firewall, 'ipv4', 'name', target) === undefined)
    return `Invalid jump-target. Firewall name ${target} does not exist on the system`;
  return undefined;
}

function rulesError(firewall: Branch, hook: Branch, warnings: string[]): string | undefined {
  const rules = branchAt(hook, 'rule');
  for (const name of sortedNames(rules)) {
    const rule = branchAt(rules, name);
    const error = rule && ruleError(firewall, rule, warnings);
    if (error !== undefined) return error;
  }
  return undefined;
}

function ruleError(firewall: Branch, rule: Branch, warnings: string[]): string | undefined {
  const action = valueAt(rule, 'action');
  if (action === undefined) return 'Rule action must be defined';
  return (
    jumpError(firewall, rule, action) ??
    actionError(rule, action) ??
    matchError(rule) ??
    sideError(firewall, rule, 'destination', warnings) ??
    sideError(firewall, rule, 'source', warnings) ??
    logError(rule) ??
    interfaceError(firewall, rule, 'inbound-interface', warnings) ??
    interfaceError(firewall, rule, 'outbound-interface', warnings)
  );
}

function jumpError(firewall: Branch, rule: Branch, action: string): string | undefined {
  const target = valueAt(rule, 'jump-target');
  if (action === 'jump' && target === undefined) return 'Action set to jump, but no jump-target specified';
  if (target === undefined) return undefined;
  if (action !== 'jump') return 'jump-target defined, but action jump needed and it is not defined';
  if (branchAt(firewall, 'ipv4', 'name', target) !== undefined) return undefined;
  return `Invalid jump-target. Firewall ipv4 name ${target} does not exist on the system`;
}

function actionError(rule: Branch, action: string): string | undefined {
  const offload = valueAt(rule, 'offload-target');
  if (action === 'offload') {
    if (offload === undefined) return 'Action set to offload, but no offload-target specified';
    return `Invalid offload-target. Flowtable "${offload}" does not exist on the system`;
  }
  if (action !== 'synproxy' && rule.children.has('synproxy'))
    return '"synproxy" option allowed only for action synproxy';
  if (action === 'synproxy') {
    if (rule.children.has('state')) return 'For action "synproxy" state cannot be defined';
    if (!branchAt(rule, 'synproxy', 'tcp')?.children.size) return 'synproxy TCP MSS is not defined';
    if (valueAt(rule, 'protocol') !== 'tcp') return 'For action "synproxy" the protocol must be set to TCP';
  }
  if (rule.children.has('queue-options') && action !== 'queue')
    return 'queue-options defined, but action queue needed and it is not defined';
  if (rule.children.has('queue') && action !== 'queue')
    return 'queue defined, but action queue needed and it is not defined';
  return undefined;
}

function matchError(rule: Branch): string | undefined {
  const has = (...path: string[]): boolean =>
    branchAt(rule, ...path.slice(0, -1))?.children.has(path.at(-1) ?? '') ?? false;
  if (has('fragment', 'match-frag') && has('fragment', 'match-non-frag'))
    return 'Cannot specify both "match-frag" and "match-non-frag"';
  const rate = valueAt(rule, 'limit', 'rate');
  if (rate !== undefined && Number.parseInt(rate, 10) < 1) return 'Limit rate integer cannot be less than 1';
  if (has('recent') && !(has('recent', 'count') && has('recent', 'time')))
    return 'Recent "count" and "time" values must be defined';
  if (branchAt(rule, 'tcp', 'flags')?.children.size && valueAt(rule, 'protocol') !== 'tcp')
    return 'Protocol must be tcp when specifying tcp flags';
  if (valueAt(rule, 'protocol') === 'ipv6-icmp') return 'Cannot match IPv6 ICMP protocol on IPv4, use icmp';
  return undefined;
}

function sideError(
  firewall: Branch,
  rule: Branch,
  name: 'destination' | 'source',
  warnings: string[],
): string | undefined {
  const side = branchAt(rule, name);
  if (side === undefined) return undefined;
  const plain = ['address', 'fqdn', 'geoip'].filter((kind) => side.children.has(kind));
  if (plain.length > 1) return 'Only one of address, fqdn or geoip can be specified';
  const groups = branchAt(side, 'group');
  const error = groupError(firewall, groups, plain[0], warnings);
  if (error !== undefined) return error;
  const hasPort = side.children.has('port');
  const hasPortGroup = groups?.children.has('port-group') ?? false;
  if (!hasPort && !hasPortGroup) return undefined;
  const protocol = valueAt(rule, 'protocol');
  if (protocol === undefined) return 'Protocol must be defined if specifying a port or port-group';
  if (!WITH_PORTS.has(protocol)) return 'Protocol must be tcp, udp, or tcp_udp when specifying a port or port-group';
  return hasPort && hasPortGroup ? `${name} port-group and port cannot both be defined` : undefined;
}

function groupError(
  firewall: Branch,
  groups: Branch | undefined,
  plain: string | undefined,
  warnings: string[],
): string | undefined {
  if (groups === undefined) return undefined;
  const kinds = ['address-group', 'network-group', 'domain-group'].filter((kind) => groups.children.has(kind));
  if (kinds.length > 1) return 'Only one address-group, network-group or domain-group can be specified';
  for (const kind of GROUPS) {
    const name = valueAt(groups, kind)?.replace(/^!/, '');
    if (name === undefined) continue;
    if (kinds.includes(kind) && plain !== undefined) return `${kind} and ${plain} cannot both be defined`;
    const group = branchAt(firewall, 'group', kind, name);
    if (group === undefined) return `Invalid ${kind} "${name}" on firewall rule`;
    if (group.children.size === 0) warnings.push(`${kind} "${name}" has no members!`);
  }
  return undefined;
}

function logError(rule: Branch): string | undefined {
  const options = branchAt(rule, 'log-options');
  if (options === undefined) return undefined;
  if (!rule.children.has('log')) return 'log-options defined, but log is not enable';
  if (options.children.has('group')) return undefined;
  if (options.children.has('snapshot-length'))
    return 'log-options snapshot-length defined, but log group is not define';
  return options.children.has('queue-threshold')
    ? 'log-options queue-threshold defined, but log group is not define'
    : undefined;
}

function interfaceError(firewall: Branch, rule: Branch, direction: string, warnings: string[]): string | undefined {
  const at = branchAt(rule, direction);
  const groupName = valueAt(at, 'group')?.replace(/^!/, '');
  if (groupName === undefined) return undefined;
  if (valueAt(at, 'name') !== undefined)
    return `Cannot specify both interface group and interface name for ${direction.replace('-', '_')}`;
  const group = branchAt(firewall, 'group', 'interface-group', groupName);
  if (group === undefined) return `Invalid interface group "${groupName}" on firewall rule`;
  if (group.children.size === 0) warnings.push(`interface-group "${groupName}" has no members!`);
  return undefined;
}
