import { DomainError, type FieldError } from '@berth/errors';
import { type ForwardWish, templateNames } from './forward.ts';
import { parseIpv4, parsePrefix } from './ipv4.ts';
import { normalizeMac } from './mac-address.ts';
import { includes, type NumberRange } from './number-range.ts';
import { forwardablePorts } from './pool-segments.ts';
import { isForwardName, isHostName, isRouterText, isUuid, isVmName } from './text-rules.ts';

const maxForwards = 100;

export const invalid = (fields: readonly FieldError[]): DomainError =>
  new DomainError('invalid', 'INVALID_REQUEST', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    fields,
  });

/** A provision as it is asked for, before anything is looked up. */
export interface ProvisionWish {
  readonly vmId: string;
  readonly vmName: string;
  readonly macAddress: string;
  readonly hostname: string;
  readonly metadata?: unknown;
  readonly addressRange: { readonly first: string; readonly last: string } | undefined;
  readonly portRange: NumberRange | undefined;
  readonly forwards: readonly ForwardWish[];
}

/** The parts of a provision whose form has been checked. */
export interface CheckedProvision {
  /** Empty: to be generated. */
  readonly macAddress: string;
  readonly addressRange: NumberRange | undefined;
}

type Complain = (field: string, message: string) => void;

const isSource = (text: string): boolean =>
  text === '' || parseIpv4(text) !== undefined || parsePrefix(text) !== undefined;
const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

function checkForward(forward: ForwardWish, at: string, complain: Complain): void {
  if (!isForwardName(forward.name)) complain(`${at}.name`, 'letters, digits, dots, dashes and underscores, at most 63');
  const isTemplate = templateNames.includes(forward.name);
  if (forward.internalPort === 0 && !isTemplate) complain(`${at}.internal_port`, 'is missing');
  if (forward.internalPort !== 0 && !isPort(forward.internalPort)) complain(`${at}.internal_port`, 'is not a port');
  const { externalPort } = forward;
  if (externalPort !== 0 && !includes(forwardablePorts, { first: externalPort, last: externalPort })) {
    complain(`${at}.external_port`, `must be from ${forwardablePorts.first} to ${forwardablePorts.last}`);
  }
  if (!isSource(forward.source)) complain(`${at}.source`, 'must be an IPv4 address or network');
  if (!isRouterText(forward.description)) {
    complain(`${at}.description`, 'at most 255 characters, no quotes, no control characters, no leading blank');
  }
}

function checkForwards(forwards: readonly ForwardWish[], complain: Complain): void {
  if (forwards.length > maxForwards) complain('ports', `at most ${maxForwards}`);
  const seen = new Set<string>();
  for (const [index, forward] of forwards.entries()) {
    checkForward(forward, `ports[${index}]`, complain);
    const name = forward.name.toLowerCase();
    if (seen.has(name)) complain(`ports[${index}].name`, 'is there twice');
    // "SSH" beside the template's "ssh" would make two forwards that people cannot tell apart.
    if (templateNames.includes(name) && !templateNames.includes(forward.name)) {
      complain(`ports[${index}].name`, `must be written "${name}"`);
    }
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

/** Postgres keeps no NUL in text, not even inside JSON. */
const holdsNul = (value: unknown): boolean => {
  if (typeof value === 'string') return value.includes('\u0000');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => holdsNul(key) || holdsNul(inner));
};

/** Checks all that can be told without looking anything up, and names everything that is wrong at once. */
export function validateProvision(wish: ProvisionWish): CheckedProvision {
  const fields: FieldError[] = [];
  const complain: Complain = (field, message) => void fields.push({ field, message });
  if (!isUuid(wish.vmId)) complain('vm_id', 'must be a UUID');
  if (!isVmName(wish.vmName)) complain('vm_name', 'must be a host name of at most 63 characters, and no UUID');
  if (wish.hostname !== '' && !isHostName(wish.hostname)) complain('hostname', 'must be a host name');
  const macAddress = wish.macAddress === '' ? '' : normalizeMac(wish.macAddress);
  if (macAddress === undefined) complain('mac_address', 'must be a MAC address, neither zero nor multicast');
  if (holdsNul(wish.metadata)) complain('metadata', 'must not hold the character U+0000');
  const { portRange } = wish;
  if (portRange && portRange.first > portRange.last) complain('port_range', 'its end lies before its start');
  else if (portRange && !includes(forwardablePorts, portRange)) {
    complain('port_range', `must lie within ${forwardablePorts.first}-${forwardablePorts.last}`);
  }
  checkForwards(wish.forwards, complain);
  const addressRange = checkAddressRange(wish.addressRange, complain);
  if (fields.length > 0) throw invalid(fields);
  return { macAddress: macAddress ?? '', addressRange };
}
