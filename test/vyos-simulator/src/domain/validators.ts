import { ipv4BlockAround, ipv4Network, ipv4Range, ipv4ToNumber } from './ipv4.ts';

/** What a validator program says of a value: `undefined` when it accepts, else what it prints (often nothing). */
type Validator = (value: string, argument: string) => string | undefined;

export type ValidatorName = keyof typeof validators;

/** The service names of /etc/services that the port validators know. The observed router had none, so none is accepted. */
const knownServices: ReadonlySet<string> = new Set();

const PORT_RANGE = /^(\d{1,5})-(\d{1,5})$/;
const isPort = (text: string): boolean => Number(text) >= 1 && Number(text) <= 65_535;

function isAscendingPortRange(text: string): boolean {
  const [, low = '', high = ''] = PORT_RANGE.exec(text) ?? [];
  return isPort(low) && isPort(high) && Number(low) <= Number(high);
}

/** src/validators/port-range: one port, `a-b`, or a service name. */
function portRange(value: string): string | undefined {
  if (PORT_RANGE.test(value))
    return isAscendingPortRange(value) ? undefined : `Error: ${value} is not a valid port or port range`;
  if (/^\d+$/.test(value)) return isPort(value) ? undefined : `Error: ${value} is not a valid port or port range`;
  return knownServices.has(value) ? undefined : `Error: ${value} is not a valid service name`;
}

/** src/validators/port-multi: a comma list of ports, ranges and service names, each may start with `!`. */
function portMulti(value: string): string | undefined {
  for (const item of value.split(',')) {
    const port = item.startsWith('!') ? item.slice(1) : item;
    if (PORT_RANGE.test(port)) {
      if (!isAscendingPortRange(port)) return `Error: ${port} is not a valid port range`;
    } else if (/^\d+$/.test(port)) {
      if (!isPort(port)) return `Error: ${port} is not a valid port`;
    } else if (!knownServices.has(port)) return `Error: ${port} is not a valid service name`;
  }
  return undefined;
}

const PROTOCOL_NAMES =
  'all|ip|hopopt|icmp|igmp|ggp|ipencap|st|tcp|egp|igp|pup|udp|tcp_udp|hmp|xns-idp|rdp|iso-tp4|dccp|xtp|ddp|idpr-cmtp|' +
  'ipv6|ipv6-route|ipv6-frag|idrp|rsvp|gre|esp|ah|skip|ipv6-icmp|icmpv6|ipv6-nonxt|ipv6-opts|rspf|vmtp|eigrp|ospf|' +
  'ax.25|ipip|etherip|encap|99|pim|ipcomp|vrrp|l2tp|isis|sctp|fc|mobility-header|udplite|mpls-in-ip|manet|hip|shim6|wesp|rohc';
const PROTOCOL = new RegExp(`^!?\\b(${PROTOCOL_NAMES})\\b`);

/** src/validators/ip-protocol. The pattern is anchored at its start only, so "tcp-x" passes on the router too. */
function ipProtocol(value: string): string | undefined {
  const isNumber = /^\d+$/.test(value) && Number(value) <= 255;
  return isNumber || PROTOCOL.test(value) ? undefined : `Error: ${value} is not a valid IP protocol`;
}

/** src/validators/ipv4-range, which asks ipaddrcheck first; both print. */
function ipv4RangeValidator(value: string): string | undefined {
  if (ipv4Range(value) !== undefined) return undefined;
  const [left = '', right, ...rest] = value.split('-');
  const refusal = `Error: ${value} is not a valid IPv4 address range`;
  if (right === undefined || rest.length > 0 || !/^[\d.]+-[\d.]+$/.test(value)) {
    return `Malformed range ${value}: must be a pair of hyphen-separated IPv4 addresses\n${refusal}`;
  }
  for (const side of [left, right]) {
    if (ipv4ToNumber(side) === undefined)
      return `Malformed range ${value}: ${side} is not a valid IPv4 address\n${refusal}`;
  }
  return `Malformed IPv4 range ${value}: its first address is greater than the last\n${refusal}`;
}

/**
 * The `-exclude` forms are shell scripts that broke on the observed router ("Bad substitution"), so a value that starts
 * with `!` was refused there, and is here.
 */
const brokenExclude =
  (name: string): Validator =>
  () =>
    `/usr/libexec/vyos/validators/${name}: 3: Bad substitution`;

const NUMERIC_USAGE = `Usage: /usr/libexec/vyos/validators/numeric [OPTIONS] <number>|<range>
  --non-negative Check if the number is non-negative (>= 0)
  --positive Check if the number is positive (> 0)
  --range Check if the number or range is within a range (inclusive)
  --not-range Check if the number or range is not within a range (inclusive)
  --not-value Check if the number does not equal a specific value
  --float Allow floating-point numbers
  --relative Allow relative increment/decrement (+/-N)
  --allow-range Allow the argument to be a range rather than a single number
  --require-range Require the argument to be a range rather than a single number
  -- Interpret next item as an argument
  -help  Display this list of options
  --help  Display this list of options`;

/** The numeric validator; `argument` is the allowed range, "1-999999". */
function numeric(value: string, argument: string): string | undefined {
  if (value.startsWith('-'))
    return `/usr/libexec/vyos/validators/numeric: unknown option '${value}'.\n${NUMERIC_USAGE}`;
  if (/^\d+\.\d*$/.test(value)) return `'${value}' is not a valid integer number`;
  if (!/^\d+$/.test(value)) return `'${value}' is not a valid number`;
  const [low, high] = argument.split('-').map(Number);
  if (low === undefined || high === undefined) return undefined;
  return Number(value) >= low && Number(value) <= high ? undefined : 'Number is not in any of allowed ranges';
}

const RESERVED_VRF = new Set([
  'add',
  'all',
  'broadcast',
  'default',
  'delete',
  'dev',
  'get',
  'inet',
  'mtu',
  'link',
  'type',
  'vrf',
]);
const LOOKS_LIKE_INTERFACE =
  /^(?:bond|br|dum|eth|lan|eno|ens|enp|enx|gnv|ipoe|l2tp|l2tpeth|vtun|ppp|pppoe|peth|tun|vti|vxlan|wg|wlan|wwan|\d)\d*(?:\.\d+)?(?:v.+)?$/;

/** src/validators/vrf-name */
function vrfName(value: string): string | undefined {
  const accepted =
    value.length > 0 && value.length <= 15 && !RESERVED_VRF.has(value) && !LOOKS_LIKE_INTERFACE.test(value);
  return accepted ? undefined : '';
}

const silent =
  (accepts: (value: string) => boolean): Validator =>
  (value) =>
    accepts(value) ? undefined : '';

const worded =
  (accepts: (value: string) => boolean, words: string): Validator =>
  (value) =>
    accepts(value) ? undefined : `Error: ${value} is not a valid ${words}`;

/** The router's validator programs, by name (vyos-1x src/validators and ipaddrcheck), with what they print. */
const validators = {
  fqdn: silent((value) => /^[A-Za-z0-9][-.A-Za-z0-9]*$/.test(value)),
  'ip-protocol': ipProtocol,
  'ipv4-address': worded((value) => ipv4ToNumber(value) !== undefined, 'IPv4 address'),
  'ipv4-address-exclude': brokenExclude('ipv4-address-exclude'),
  'ipv4-host': worded((value) => ipv4BlockAround(value) !== undefined, 'IPv4 host'),
  'ipv4-prefix': worded((value) => ipv4Network(value) !== undefined, 'IPv4 prefix'),
  'ipv4-prefix-exclude': brokenExclude('ipv4-prefix-exclude'),
  'ipv4-range': ipv4RangeValidator,
  'ipv4-range-exclude': brokenExclude('ipv4-range-exclude'),
  'ipv6-address': worded((value) => /^[0-9a-fA-F:]*:[0-9a-fA-F:.]*$/.test(value), 'IPv6 address'),
  'mac-address': silent((value) => /^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(value)),
  numeric: numeric,
  'port-multi': portMulti,
  'port-range': portRange,
  'vrf-name': vrfName,
} satisfies Record<string, Validator>;

/** Runs one validator: undefined when it accepts the value, else what it prints. */
export function runValidator(name: ValidatorName, value: string, argument: string): string | undefined {
  return validators[name](value, argument);
}
