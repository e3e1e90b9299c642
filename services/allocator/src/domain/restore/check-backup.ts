import {
  type Complain,
  checkAll,
  checkDescription,
  checkForwardName,
  checkSources,
  holdsNul,
} from '../check-fields.ts';
import {
  assertPortsApart,
  type ConfigLeaf,
  type Forward,
  ruleCount,
  ruleNumbersOf,
  stands,
} from '../forwards/forward.ts';
import { parseIpv4, parsePrefix } from '../ipv4.ts';
import { normalizeMac } from '../mac-address.ts';
import { lengthOf, type NumberRange } from '../number-range.ts';
import { isGroupName, isHostName, isRouterText, isUuid, isVmName } from '../text-rules.ts';
import type { Vm } from '../vms/vm.ts';

const highestRule = 999_999;
const highestPort = 65_535;
/** More than any template has. */
const longestBlock = 1_000;
const longestMetadata = 65_536;
const node = /^[A-Za-z0-9][A-Za-z0-9@.:_/+-]{0,62}$/;

/** Throws unless a VM of a backup is one that could have been: a document may have been changed, and what it says goes to a router. */
export function checkBackedUp(vm: Vm, at: string): void {
  checkAll((complain) => {
    const check = (holds: boolean, field: string, message: string) => holds || complain(`${at}.${field}`, message);
    check(isUuid(vm.id), 'id', 'must be a UUID');
    check(isVmName(vm.name), 'name', 'must be a VM name');
    check(isHostName(vm.hostname), 'hostname', 'must be a host name');
    check(normalizeMac(vm.macAddress) === vm.macAddress, 'mac_address', 'must be in lower case with colons');
    check(parseIpv4(vm.internalIp) !== undefined, 'internal_ip', 'must be an IPv4 address');
    check(parseIpv4(vm.site.externalIp) !== undefined, 'external_ip', 'must be an IPv4 address');
    check(node.test(vm.site.wanInterface), 'wan_interface', 'must be an interface');
    check(node.test(vm.site.dhcpNetwork), 'dhcp_network', 'must be a shared network');
    check(parsePrefix(vm.site.dhcpSubnet) !== undefined, 'dhcp_subnet', 'must be a network');
    check(
      vm.rules.last <= highestRule && lengthOf(vm.rules) <= longestBlock,
      'rules',
      'must be a block of rule numbers',
    );
    check(isGroupName(vm.ownerGroup), 'owner_group', 'must be a group');
    check(JSON.stringify(vm.metadata).length <= longestMetadata, 'metadata', `at most ${longestMetadata} characters`);
    check(!holdsNul(vm.metadata), 'metadata', 'must not hold NUL');
    check(areLeaves(vm.adopted?.extra ?? []), 'adopted.extra', 'must be texts that a router takes');
    const written = vm.adopted?.macAsWritten ?? vm.macAddress;
    check(normalizeMac(written) !== undefined, 'adopted.mac_as_written', 'must be a MAC address');
    const names = new Set(vm.forwards.map(({ name }) => name.toLowerCase()));
    check(names.size === vm.forwards.length, 'forwards', 'must have different names');
    for (const [index, forward] of vm.forwards.entries())
      checkForward(vm, forward, `${at}.forwards[${index}]`, complain);
  });
  assertPortsApart(vm.forwards);
}

function checkForward({ rules }: Vm, forward: Forward, at: string, complain: Complain): void {
  const { name, internal, external, externalCount, fixedPort, blockRule, ownRules, form } = forward;
  const check = (holds: boolean, field: string, message: string) => holds || complain(`${at}.${field}`, message);
  const isWithin = (range: NumberRange | null, last: number) => range === null || range.last <= last;
  checkForwardName(name, `${at}.name`, complain);
  checkSources(forward.sources, at, complain);
  checkDescription(forward.description, at, complain);
  check(isWithin(internal, highestPort), 'internal', 'must be ports');
  check(isWithin(external, highestPort), 'external', 'must be ports');
  check(externalCount >= 1 && externalCount <= highestPort, 'external_count', 'must be 1 to 65535');
  check(fixedPort <= highestPort, 'fixed_port', 'must be a port');
  check(
    blockRule === null || (blockRule >= rules.first && blockRule <= rules.last),
    'block_rule',
    'must be of the block',
  );
  check(isWithin(ownRules, highestRule), 'own_rules', 'must be rule numbers');
  check(areLeaves(form?.extra ?? []), 'form.extra', 'must be texts that a router takes');
  const { inboundInterface = '', destinationAddress = '' } = form ?? {};
  check(inboundInterface === '' || node.test(inboundInterface), 'form.inbound_interface', 'must be an interface');
  const isAddress = destinationAddress === '' || parseIpv4(destinationAddress) !== undefined;
  check(isAddress, 'form.destination_address', 'must be an IPv4 address');
  if (!stands(forward)) return;
  const pairs = external !== null && (lengthOf(internal) === 1 || lengthOf(internal) === lengthOf(external));
  check(pairs, 'external', 'must be as many ports as there are internal ones');
  if (pairs) check(ruleNumbersOf(forward).length === ruleCount(forward), 'own_rules', 'must be enough for its rules');
}

const areLeaves = (extra: readonly ConfigLeaf[]): boolean =>
  extra.every(({ path, values }) => path.every((word) => node.test(word)) && values.every(isRouterText));
