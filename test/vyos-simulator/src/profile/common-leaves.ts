import { type Constraint, container, leaf, multiLeaf, type SchemaChildren, valueless } from '../domain/schema.ts';

/** generic-description.xml.i: up to 255 characters of any kind. */
export const description = leaf({ patterns: [/^.{0,255}$/su], message: 'Description too long (limit 255 characters)' });
export const disable = valueless;

export const ipv4Address: Constraint = { validators: [['ipv4-address']] };
export const ipv4Prefix: Constraint = { validators: [['ipv4-prefix']] };
/** An address, a prefix or a range, each perhaps with `!` (nat-address.xml.i, firewall/address.xml.i). */
export const ipv4Match: Constraint = {
  validators: [
    ['ipv4-address'],
    ['ipv4-prefix'],
    ['ipv4-range'],
    ['ipv4-address-exclude'],
    ['ipv4-prefix-exclude'],
    ['ipv4-range-exclude'],
  ],
};
export const portMulti: Constraint = { validators: [['port-multi']] };
export const portRange: Constraint = { validators: [['port-range']] };
export const ipProtocol: Constraint = { validators: [['ip-protocol']] };
export const macAddress: Constraint = { validators: [['mac-address']] };
export const fqdn: Constraint = { validators: [['fqdn']] };

export const numberIn = (range: string, message?: string): Constraint =>
  message === undefined ? { validators: [['numeric', range]] } : { validators: [['numeric', range]], message };

export const oneOf = (...words: string[]): Constraint => ({ patterns: [new RegExp(`^(?:${words.join('|')})$`)] });

/** Letters, digits, `-`, `_`, `.`, `+`; starts with a letter, digit, `-` or `_` (alpha-numeric-hyphen-underscore-dot). */
export const nameText = (message?: string): Constraint => {
  const patterns = [/^[-_a-zA-Z0-9][\w\-.+]*$/];
  return message === undefined ? { patterns } : { patterns, message };
};

const INTERFACE_TYPES =
  'bond|br|dum|en|ersp|eth|gnv|ifb|ipoe|lan|l2tp|l2tpeth|macsec|peth|ppp|pppoe|pptp|sstp|sstpc|tun|veth|vti|vtun|vxlan|wg|wlan|wwan';
/** The name of an interface that need not exist, perhaps with `!` and `*`, or of a VRF. */
const interfaceOrVrf: Constraint = {
  patterns: [new RegExp(`^(?:!?(?:${INTERFACE_TYPES})(?:[0-9]?)(?:\\*?)(?:.+)?|!?lo)$`)],
  validators: [['vrf-name']],
  message:
    'VRF instance name must be 15 characters or less and can not\nbe named as regular network interfaces.\nA name must starts from a letter.\n',
};
export const interfaceMatch = container({ name: leaf(interfaceOrVrf), group: leaf(nameText()) });

/** firewall/source-destination-group.xml.i */
export const groupMatch: SchemaChildren = {
  'address-group': leaf(),
  'domain-group': leaf(),
  'mac-group': leaf(),
  'network-group': leaf(),
  'port-group': leaf(),
};

export const addressList = multiLeaf(ipv4Address);
