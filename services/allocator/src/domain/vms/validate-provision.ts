import {
  type Complain,
  checkAll,
  checkDescription,
  checkForwardName,
  checkSources,
  holdsNul,
  isPort,
} from '../check-fields.ts';
import { maxForwards } from '../forwards/edit-forwards.ts';
import type { ForwardWish } from '../forwards/forward-wish.ts';
import { parseIpv4 } from '../ipv4.ts';
import { normalizeMac } from '../mac-address.ts';
import { includes, type NumberRange } from '../number-range.ts';
import { forwardablePorts } from '../pools/pool-segments.ts';
import { isHostName, isUuid, isVmName } from '../text-rules.ts';

/** A provision as it is asked for, before anything is looked up. */
export interface ProvisionWish {
  readonly vmId: string;
  readonly vmName: string;
  readonly macAddress: string;
  readonly hostname: string;
  readonly metadata?: unknown;
  readonly addressRange: { readonly first: string; readonly last: string } | undefined;
  readonly portRange: NumberRange | undefined;
  /** Undefined: those of the template. */
  readonly forwards: readonly ForwardWish[] | undefined;
}

/** The parts of a provision whose form has been checked. */
export interface CheckedProvision {
  /** Empty: to be generated. */
  readonly macAddress: string;
  readonly addressRange: NumberRange | undefined;
}

/** What can be told about a wished forward without knowing the template. */
function checkForward(forward: ForwardWish, at: string, complain: Complain): void {
  const { internalPort, internalPortEnd, externalPort, externalPortEnd, externalPortCount } = forward;
  checkForwardName(forward.name, `${at}.name`, complain);
  if (internalPort !== 0 && !isPort(internalPort)) complain(`${at}.internal_port`, 'is not a port');
  if (internalPort === 0 && internalPortEnd !== 0) complain(`${at}.internal_port`, 'is missing');
  if (internalPortEnd !== 0 && internalPortEnd < internalPort) {
    complain(`${at}.internal_port_end`, 'lies before the first port');
  }
  if (internalPortEnd > 65_535) complain(`${at}.internal_port_end`, 'is not a port');
  checkExternal(externalPort, `${at}.external_port`, complain);
  checkExternal(externalPortEnd, `${at}.external_port_end`, complain);
  if (externalPortEnd !== 0 && externalPort === 0) complain(`${at}.external_port`, 'is missing');
  if (externalPortEnd !== 0 && externalPortEnd < externalPort) {
    complain(`${at}.external_port_end`, 'lies before the first port');
  }
  const ranged = externalPortEnd === 0 ? 0 : externalPortEnd - externalPort + 1;
  if (externalPortCount > 65_535) complain(`${at}.external_port_count`, 'is more than there are');
  if (ranged !== 0 && externalPortCount !== 0 && ranged !== externalPortCount) {
    complain(`${at}.external_port_count`, 'is not what the range says');
  }
  checkSources(forward.sources, at, complain);
  checkDescription(forward.description, at, complain);
}

export function checkExternal(port: number, field: string, complain: Complain): void {
  if (port === 0 || includes(forwardablePorts, { first: port, last: port })) return;
  complain(field, `must be from ${forwardablePorts.first} to ${forwardablePorts.last}`);
}

/** Checks the form of wished forwards; `list` is the field that holds them. */
export function checkForwards(forwards: readonly ForwardWish[], list: string, complain: Complain): void {
  if (forwards.length > maxForwards) complain(list, `at most ${maxForwards}`);
  const seen = new Set<string>();
  for (const [index, forward] of forwards.entries()) {
    checkForward(forward, `${list}[${index}]`, complain);
    const name = forward.name.toLowerCase();
    if (seen.has(name)) complain(`${list}[${index}].name`, 'is there twice');
    seen.add(name);
  }
}

function checkAddressRange(range: ProvisionWish['addressRange'], complain: Complain): NumberRange | undefined {
  if (range === undefined) return undefined;
  const first = parseIpv4(range.first);
  const last = parseIpv4(range.last);
  if (first === undefined || last === undefined) complain('ip_range', 'must be IPv4 addresses');
  else if (first > last) complain('ip_range', 'its end lies before its start');
  else return { first, last };
  return undefined;
}

/** Checks all that can be told without looking anything up, and names everything that is wrong at once. */
export function validateProvision(wish: ProvisionWish): CheckedProvision {
  const macAddress = wish.macAddress === '' ? '' : normalizeMac(wish.macAddress);
  let addressRange: NumberRange | undefined;
  checkAll((complain) => {
    if (!isUuid(wish.vmId)) complain('vm_id', 'must be a UUID');
    if (!isVmName(wish.vmName)) complain('vm_name', 'must be a host name of at most 63 characters, and no UUID');
    if (wish.hostname !== '' && !isHostName(wish.hostname)) complain('hostname', 'must be a host name');
    if (macAddress === undefined) complain('mac_address', 'must be a MAC address, neither zero nor multicast');
    if (holdsNul(wish.metadata)) complain('metadata', 'must not hold the character U+0000');
    const { portRange } = wish;
    if (portRange && portRange.first > portRange.last) complain('port_range', 'its end lies before its start');
    else if (portRange && !includes(forwardablePorts, portRange)) {
      complain('port_range', `must lie within ${forwardablePorts.first}-${forwardablePorts.last}`);
    }
    checkForwards(wish.forwards ?? [], 'ports', complain);
    addressRange = checkAddressRange(wish.addressRange, complain);
  });
  return { macAddress: macAddress ?? '', addressRange };
}
