import { isIPv4 } from 'node:net';
import type { Fragment as FragmentMessage } from '@berth/contracts';
import type { ConfigLeaf } from '../config-leaf.ts';
import type { DestinationNatRule, Fragment, StaticMapping } from './fragment.ts';

// Text that reaches the router is data, never syntax: what its command line would take for a quote, or lose, does not get there.
const plainText = /^(?! )[^"'\p{Cc}\u2028\u2029]{0,255}$/u;
const nodeName = /^[^\s"'\p{Cc}/\\?*{}]{1,100}$/u;
// Of what is adopted, a tag's value may be a prefix or an address.
const leafName = /^[^\s"'\p{Cc}]{1,255}$/u;
// What any version takes; the router's own says more once it is known (`Dialect.problemOf`).
const mappingName = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9_])?$/;
const macAddress = /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/i;
const protocols = ['tcp', 'udp', 'tcp_udp'] as const;

const isPrefix = (text: string): boolean => {
  const [address = '', length = '', ...more] = text.split('/');
  return more.length === 0 && isIPv4(address) && /^\d{1,2}$/.test(length) && Number(length) <= 32;
};

const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;

const isPortOrRange = (text: string): boolean => {
  const [first = '', last, ...more] = text.split('-');
  if (more.length > 0 || !isPort(first)) return false;
  return last === undefined || (isPort(last) && Number(first) <= Number(last));
};

class Problem extends Error {}

const check = (holds: boolean, what: string): void => {
  if (!holds) throw new Problem(what);
};

/** A fragment as the rules of the domain take it; or the first reason why it cannot become router configuration. */
export function fragmentOf(message: FragmentMessage): Fragment | { readonly problem: string } {
  try {
    const rules = message.rules.map(ruleOf);
    check(new Set(rules.map((rule) => rule.number)).size === rules.length, 'two rules have the same number');
    return message.mapping === undefined ? { rules } : { mapping: mappingOf(message.mapping), rules };
  } catch (error) {
    if (error instanceof Problem) return { problem: `The change cannot be put on a router: ${error.message}.` };
    throw error;
  }
}

function mappingOf(mapping: NonNullable<FragmentMessage['mapping']>): StaticMapping {
  const { network, subnet, name, macAddress: mac, ipAddress } = mapping;
  check(nodeName.test(network), 'the DHCP network is not a name');
  check(isPrefix(subnet), 'the DHCP subnet is not a prefix');
  check(mappingName.test(name), 'the mapping name is not a host name');
  check(macAddress.test(mac), 'the MAC address is not six pairs of hexadecimal digits with colons');
  check(isIPv4(ipAddress), 'the address of the mapping is not an IPv4 address');
  return { network, subnet, name, macAddress: mac, ipAddress, ...extraOf(mapping.extra, 'of the mapping') };
}

/** Left out when there is none, so that what is stored of other fragments stays as it is. */
function extraOf(
  leaves: readonly { readonly path: readonly string[]; readonly values: readonly string[] }[],
  about: string,
): { readonly extra?: readonly ConfigLeaf[] } {
  for (const { path, values } of leaves) {
    check(path.length > 0 && path.every((name) => leafName.test(name)), `a further leaf ${about} has no name`);
    check(
      values.every((value) => value !== '' && plainText.test(value)),
      `the value of a further leaf ${about} is no plain text`,
    );
  }
  return leaves.length === 0 ? {} : { extra: leaves.map(({ path, values }) => ({ path, values })) };
}

function ruleOf(rule: FragmentMessage['rules'][number]): DestinationNatRule {
  const about = `of rule ${rule.number}`;
  const protocol = protocols.find((known) => known === rule.protocol);
  check(
    Number.isInteger(rule.number) && rule.number >= 1 && rule.number <= 999_999,
    `the number ${about} is out of range`,
  );
  check(
    rule.inboundInterface === '' || nodeName.test(rule.inboundInterface),
    `the inbound interface ${about} is not a name`,
  );
  check(
    rule.destinationAddress === '' || isIPv4(rule.destinationAddress),
    `the external address ${about} is not an IPv4 address`,
  );
  check(isPortOrRange(rule.destinationPort), `the external port ${about} is not a port`);
  check(isIPv4(rule.translationAddress), `the internal address ${about} is not an IPv4 address`);
  check(rule.translationPort === '' || isPortOrRange(rule.translationPort), `the internal port ${about} is not a port`);
  const { sourceAddress } = rule;
  check(
    sourceAddress === '' || isIPv4(sourceAddress) || isPrefix(sourceAddress),
    `the source ${about} is not an address or network`,
  );
  check(
    plainText.test(rule.description),
    `the description ${about} has a quote, a control character or a leading blank, or is too long`,
  );
  if (protocol === undefined) throw new Problem(`the protocol ${about} is not tcp, udp or tcp_udp`);
  return {
    number: rule.number,
    inboundInterface: rule.inboundInterface,
    protocol,
    destinationAddress: rule.destinationAddress,
    destinationPort: rule.destinationPort,
    translationAddress: rule.translationAddress,
    translationPort: rule.translationPort,
    sourceAddress,
    description: rule.description,
    disabled: rule.disabled,
    ...extraOf(rule.extra, about),
  };
}
