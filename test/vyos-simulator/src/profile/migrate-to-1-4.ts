import { Branch, branchAt, Leaf, valueAt } from '../domain/config-tree.ts';
import { ensureBranch, instancesAt, moveChild, takeChild, valueless } from './tree-moves.ts';

/** 1.3 to 1.4: interfaces of NAT rules become nodes, the firewall gets base chains, HTTPS loses its virtual hosts. */
export function migrateTo14(config: Branch): void {
  for (const direction of ['destination', 'source']) {
    for (const [, rule] of instancesAt(config, 'nat', direction, 'rule')) {
      nameInterface(rule, 'inbound-interface');
      nameInterface(rule, 'outbound-interface');
    }
  }
  const server = branchAt(config, 'service', 'dhcp-server');
  if (server !== undefined) moveChild(server, 'failover', () => server, 'high-availability');
  moveChild(branchAt(config, 'system'), 'ntp', () => ensureBranch(config, 'service'));
  const ntp = branchAt(config, 'service', 'ntp');
  if (ntp !== undefined) moveChild(ntp, 'allow-clients', () => ntp, 'allow-client');
  migrateHttps(branchAt(config, 'service', 'https'));
  migrateFirewall(config);
}

function nameInterface(rule: Branch, name: string): void {
  const leaf = rule.children.get(name);
  if (leaf instanceof Leaf) ensureBranch(rule, name).children.set('name', leaf);
}

function migrateHttps(https: Branch | undefined): void {
  if (https === undefined) return;
  const [host] = instancesAt(https, 'virtual-host');
  if (host !== undefined) {
    moveChild(host[1], 'listen-address', () => https);
    moveChild(host[1], 'listen-port', () => https, 'port');
  }
  for (const name of ['virtual-host', 'api-restrict']) takeChild(https, name);
  for (const name of ['port', 'socket']) takeChild(branchAt(https, 'api'), name);
}

function migrateFirewall(config: Branch): void {
  const firewall = branchAt(config, 'firewall');
  if (firewall !== undefined) {
    for (const name of ['all-ping', 'broadcast-ping', 'state-policy'])
      moveChild(firewall, name, () => ensureBranch(firewall, 'global-options'));
    for (const [, chain] of instancesAt(firewall, 'name')) {
      if (takeChild(chain, 'enable-default-log') !== undefined) chain.children.set('default-log', valueless());
      for (const [, rule] of instancesAt(chain, 'rule')) migrateFilterRule(rule);
    }
    moveChild(firewall, 'name', () => ensureBranch(firewall, 'ipv4'));
  }
  for (const type of ['ethernet', 'dummy']) {
    for (const [name, device] of instancesAt(config, 'interfaces', type)) {
      bindByJump(config, name, device);
      for (const [id, vlan] of instancesAt(device, 'vif')) bindByJump(config, `${name}.${id}`, vlan);
    }
  }
}

/** `enable` and `disable` become being there or not. */
function migrateFilterRule(rule: Branch): void {
  if (valueAt(rule, 'log') === 'enable') rule.children.set('log', valueless());
  else takeChild(rule, 'log');
  const states = branchAt(rule, 'state');
  if (states === undefined) return;
  const enabled = [...states.children.keys()].filter((state) => valueAt(states, state) === 'enable').sort();
  if (enabled.length > 0) rule.children.set('state', new Leaf(enabled));
  else takeChild(rule, 'state');
}

/** A rule set that was bound to an interface is jumped to from the base chain. */
function bindByJump(config: Branch, interfaceName: string, device: Branch): void {
  const bindings = takeChild(device, 'firewall');
  if (!(bindings instanceof Branch)) return;
  for (const [way, chain, side] of [
    ['in', 'forward', 'inbound-interface'],
    ['out', 'forward', 'outbound-interface'],
    ['local', 'input', 'inbound-interface'],
  ] as const) {
    const target = valueAt(bindings, way, 'name');
    if (target === undefined) continue;
    const rules = ensureBranch(config, 'firewall', 'ipv4', chain, 'filter', 'rule');
    const rule = ensureBranch(rules, String(5 * (rules.children.size + 1)));
    rule.children.set('action', new Leaf(['jump']));
    rule.children.set('jump-target', new Leaf([target]));
    ensureBranch(rule, side).children.set('name', new Leaf([interfaceName]));
  }
}
