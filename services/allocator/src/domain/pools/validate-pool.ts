import { isIPv6 } from 'node:net';
import { DomainError, type FieldError } from '@berth/errors';
import { formatIpv4, parseIpv4, parsePrefix } from '../ipv4.ts';
import { includes, type NumberRange } from '../number-range.ts';
import { except } from '../range-sets.ts';
import { type IpPoolSpec, type Pool, type PoolKind, type PoolSpec, type PortPoolSpec, poolKinds } from './pool.ts';
import {
  fieldOfKind,
  type IpDraft,
  type PoolDraft,
  type PortDraft,
  type RuleDraft,
  type SpanDraft,
} from './pool-draft.ts';
import { forwardablePorts } from './pool-segments.ts';

/** What of a pool people decide; its form is right. */
export type CheckedPool = Pick<
  Pool,
  'name' | 'router' | 'description' | 'groups' | 'isDefault' | 'state' | 'alertThresholds' | 'spec'
>;

type Complain = (field: string, message: string) => void;

const mostRanges = 1_000;
const mostGroups = 100;
const mostThresholds = 10;
const mostNameServers = 10;
const allPorts: NumberRange = { first: 1, last: 65_535 };
const allRules: NumberRange = { first: 1, last: 999_999 };
const poolId = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
/** What is a word of the router's configuration. */
const configWord = /^[A-Za-z0-9]([A-Za-z0-9._@-]{0,61}[A-Za-z0-9])?$/;
const noIpv6 = 'IPv6 is not handed out yet';

/** Text for people that is shown and never sent to a router. */
const isPlainText = (text: string, most: number): boolean =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not pass
  text.length <= most && !/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text) && text.isWellFormed();

/** Every wrong field at once, by its path. */
export const invalidFields = (fields: readonly FieldError[]): DomainError =>
  new DomainError(
    'invalid',
    'INVALID_REQUEST',
    fields
      .slice(0, 20)
      .map(({ field, message }) => `${field}: ${message}`)
      .join('; '),
    { fields },
  );

/** A note of a reservation or the like: text that is shown to people. */
export const isNote = (text: string): boolean => isPlainText(text, 255);

/** Kind and id of "ip-pools/edge"; undefined when it is no such name. */
export function parsePoolName(name: string): { readonly kind: PoolKind; readonly id: string } | undefined {
  const [prefix, id, ...more] = name.split('/');
  const kind = poolKinds.find((known) => known === prefix);
  return kind && id !== undefined && more.length === 0 && poolId.test(id) ? { kind, id } : undefined;
}

/** Checks all that can be told without knowing the router. Throws `invalid`, naming every wrong field by its path. */
export function checkPool(draft: PoolDraft): CheckedPool {
  const fields: FieldError[] = [];
  const complain: Complain = (field, message) => void fields.push({ field, message });
  const name = parsePoolName(draft.name);
  if (name === undefined) {
    complain(
      'name',
      'must be ip-pools/, port-pools/ or rule-pools/ and 1 to 63 letters, digits, dots, dashes and underscores',
    );
  }
  if (!isPlainText(draft.router, 253)) complain('router', 'is not the name of a router');
  if (!isPlainText(draft.description, 255)) complain('description', 'at most 255 characters, no control characters');
  checkGroups(draft.groups, complain);
  checkThresholds(draft.alertThresholds, complain);
  if (draft.state === undefined) complain('state', 'must be active, draining or disabled');
  const spec = checkValues(draft.values, complain);
  if (name && draft.values && draft.values.kind !== name.kind) {
    complain('name', `must begin with ${draft.values.kind}/, since the pool holds ${fieldOfKind[draft.values.kind]}`);
  }
  if (fields.length > 0 || !name || !spec || !draft.state) throw invalidFields(fields);
  const { router, description, groups, isDefault, alertThresholds, state } = draft;
  return { name: name.id, router, description, groups, isDefault, alertThresholds, state, spec };
}

function checkGroups(groups: readonly string[], complain: Complain): void {
  if (groups.length > mostGroups) complain('groups', `at most ${mostGroups}`);
  for (const [index, group] of groups.slice(0, mostGroups).entries()) {
    if (group.trim() === '' || !isPlainText(group, 100)) {
      complain(`groups[${index}]`, '1 to 100 characters, no control characters');
    } else if (groups.indexOf(group) < index) complain(`groups[${index}]`, 'is there twice');
  }
}

function checkThresholds(thresholds: readonly number[], complain: Complain): void {
  if (thresholds.length > mostThresholds) complain('alert_thresholds', `at most ${mostThresholds}`);
  for (const [index, threshold] of thresholds.slice(0, mostThresholds).entries()) {
    const field = `alert_thresholds[${index}]`;
    if (!(threshold > 0 && threshold <= 1)) complain(field, 'must be above 0 and at most 1');
    else if (index > 0 && !(threshold > (thresholds[index - 1] ?? 0))) complain(field, 'must be above the one before');
  }
}

function checkValues(values: PoolDraft['values'], complain: Complain): PoolSpec | undefined {
  switch (values?.kind) {
    case 'ip-pools':
      return checkIp(values, complain);
    case 'port-pools':
      return checkPort(values, complain);
    case 'rule-pools':
      return checkRule(values, complain);
    default:
      complain('values', 'one of ip, port and rule must be there');
      return undefined;
  }
}

interface NamedRange extends NumberRange {
  readonly field: string;
}

function checkIp(draft: IpDraft, complain: Complain): IpPoolSpec {
  const { gateway, dns, leaseSeconds, dhcpNetwork, subnet, subnetId } = draft;
  if (draft.wantsIpv6) complain('ip.family', noIpv6);
  const ranges = tooMany(draft.cidrs.length + draft.ranges.length, 'ip.ranges', complain)
    ? []
    : [...prefixes(draft.cidrs, complain), ...addressSpans(draft.ranges, 'ip.ranges', complain)];
  const exclusions = tooMany(draft.exclusions.length, 'ip.exclusions', complain)
    ? []
    : addressSpans(draft.exclusions, 'ip.exclusions', complain);
  if (draft.cidrs.length + draft.ranges.length === 0) complain('ip.ranges', 'at least one range or prefix');
  checkRanges(ranges, exclusions, 'ip.ranges', formatIpv4, complain);
  if (gateway !== '') checkAddress(gateway, 'ip.gateway', complain);
  if (dns.length > mostNameServers) complain('ip.dns', `at most ${mostNameServers}`);
  else for (const [index, server] of dns.entries()) checkAddress(server, `ip.dns[${index}]`, complain);
  if (dhcpNetwork !== '' && !configWord.test(dhcpNetwork))
    complain('ip.dhcp_network', 'is not the name of a shared network');
  if (subnet !== '') prefix(subnet, 'ip.subnet', complain);
  return {
    ...{ kind: draft.kind, cidrs: draft.cidrs, ranges: ranges.slice(draft.cidrs.length).map(plain) },
    ...{ exclusions: exclusions.map(plain), gateway, dns, leaseSeconds, dhcpNetwork, subnet, subnetId },
  };
}

function checkPort(draft: PortDraft, complain: Complain): PortPoolSpec {
  const ranges = numberSpans(draft.ranges, 'port.ranges', forwardablePorts, complain);
  const denied = numberSpans(draft.denied, 'port.denied', allPorts, complain);
  if (draft.ranges.length === 0) complain('port.ranges', 'at least one range');
  checkRanges(ranges, denied, 'port.ranges', String, complain);
  if (draft.externalIp !== '') checkAddress(draft.externalIp, 'port.external_ip', complain);
  if (draft.interface !== '' && !configWord.test(draft.interface))
    complain('port.interface', 'is not the name of an interface');
  for (const [index, protocol] of draft.protocols.slice(0, 10).entries()) {
    if (protocol === undefined) complain(`port.protocols[${index}]`, 'must be tcp or udp');
    else if (draft.protocols.indexOf(protocol) < index) complain(`port.protocols[${index}]`, 'is there twice');
  }
  if (draft.protocols.length > 10) complain('port.protocols', 'at most two');
  return {
    ...{ kind: draft.kind, externalIp: draft.externalIp, interface: draft.interface },
    ...{ ranges: ranges.map(plain), denied: denied.map(plain) },
    protocols: draft.protocols.filter((protocol) => protocol !== undefined),
  };
}

function checkRule(draft: RuleDraft, complain: Complain): PoolSpec {
  const ranges = numberSpans(draft.ranges, 'rule.ranges', allRules, complain);
  const exclusions = numberSpans(draft.exclusions, 'rule.exclusions', allRules, complain);
  if (draft.ranges.length === 0) complain('rule.ranges', 'at least one range');
  checkRanges(ranges, exclusions, 'rule.ranges', String, complain);
  return { kind: draft.kind, ranges: ranges.map(plain), exclusions: exclusions.map(plain) };
}

const plain = ({ first, last }: NumberRange): NumberRange => ({ first, last });

function tooMany(count: number, field: string, complain: Complain): boolean {
  if (count > mostRanges) complain(field, `at most ${mostRanges}`);
  return count > mostRanges;
}

function checkAddress(text: string, field: string, complain: Complain): number | undefined {
  const address = parseIpv4(text);
  if (address === undefined) complain(field, isIPv6(text) ? noIpv6 : 'must be an IPv4 address');
  return address;
}

function prefix(text: string, field: string, complain: Complain): NumberRange | undefined {
  const [address = '', length = '', ...more] = text.split('/');
  const range = more.length === 0 ? parsePrefix(text) : undefined;
  if (range) return range;
  if (isIPv6(address)) complain(field, noIpv6);
  else if (more.length === 0 && parseIpv4(address) !== undefined && /^(\d|[12]\d|3[0-2])$/.test(length)) {
    complain(field, `has bits set behind its length of ${length}`);
  } else complain(field, 'must be an IPv4 prefix such as 10.0.0.0/24');
  return undefined;
}

/** A place of a list that is wrong stays empty in it, so that those behind it keep theirs. */
const nowhere: NumberRange = { first: Number.NaN, last: Number.NaN };

const prefixes = (cidrs: readonly string[], complain: Complain): NamedRange[] =>
  cidrs.map((cidr, index) => {
    const field = `ip.cidrs[${index}]`;
    return { field, ...(prefix(cidr, field, complain) ?? nowhere) };
  });

const addressSpans = (spans: readonly SpanDraft<string>[], field: string, complain: Complain): NamedRange[] =>
  spans.map((span, index) => {
    const at = `${field}[${index}]`;
    const first = checkAddress(span.first, `${at}.first`, complain);
    const last = span.last === '' ? first : checkAddress(span.last, `${at}.last`, complain);
    if (first === undefined || last === undefined) return { field: at, ...nowhere };
    if (first > last) complain(`${at}.last`, 'lies before the first');
    return { field: at, ...(first > last ? nowhere : { first, last }) };
  });

function numberSpans(
  spans: readonly SpanDraft<number>[],
  field: string,
  within: NumberRange,
  complain: Complain,
): NamedRange[] {
  if (tooMany(spans.length, field, complain)) return [];
  return spans.map((span, index) => {
    const at = `${field}[${index}]`;
    const range = { first: span.first, last: span.last || span.first };
    const outside = `must be from ${within.first} to ${within.last}`;
    const inside = (value: number) => includes(within, { first: value, last: value });
    if (!inside(range.first)) complain(`${at}.first`, outside);
    if (span.last !== 0 && !inside(range.last)) complain(`${at}.last`, outside);
    else if (range.first > range.last) complain(`${at}.last`, 'lies before the first');
    return { field: at, ...(includes(within, range) && range.first <= range.last ? range : nowhere) };
  });
}

/** Ranges of one pool may not overlap, and the exclusions may not leave nothing. */
function checkRanges(
  ranges: readonly NamedRange[],
  exclusions: readonly NumberRange[],
  field: string,
  format: (value: number) => string,
  complain: Complain,
): void {
  const inOrder = ranges.filter(({ first }) => !Number.isNaN(first)).sort((a, b) => a.first - b.first);
  let before: NamedRange | undefined;
  for (const range of inOrder) {
    if (before && range.first <= before.last) {
      complain(range.field, `overlaps ${before.field} from ${format(range.first)} on`);
    }
    if (!before || range.last > before.last) before = range;
  }
  const taken = exclusions.filter(({ first }) => !Number.isNaN(first));
  const whole = inOrder.length > 0 && inOrder.length === ranges.length;
  if (whole && except(inOrder, taken).length === 0) complain(field, 'the exclusions leave nothing');
}
