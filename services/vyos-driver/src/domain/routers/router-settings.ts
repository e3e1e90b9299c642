import { isIPv6 } from 'node:net';
import type { FieldError } from '@berth/errors';
import { isIpv4 } from '../ipv4.ts';

/** How a router is reached, and where its VMs go, without its API key. What is empty is not given. */
export interface RouterTerms {
  /** Address or host name. */
  readonly host: string;
  readonly port: number;
  readonly keyId: string;
  /** PEM text of the authorities that may have signed its certificate. */
  readonly caPem: string;
  /** SHA-256 of its certificate: lower-case hexadecimal without colons. */
  readonly fingerprint: string;
  readonly wanInterface: string;
  readonly externalIp: string;
  readonly dhcpNetwork: string;
  readonly dhcpSubnet: string;
}

/** What a router is called: letters, digits and `-`, at most 63. */
export const routerName = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

/** Names of routers that something else has in the paths of the API. */
const reservedNames: ReadonlySet<string> = new Set(['test']);

/** What is wrong with the name of a router. */
export function nameProblems(name: string): FieldError[] {
  if (!routerName.test(name)) return [{ field: 'name', message: 'must be letters, digits and -, at most 63' }];
  if (!reservedNames.has(name.toLowerCase())) return [];
  return [{ field: 'name', message: `must not be ${name}: the API has another meaning for it` }];
}

const hostLabel = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;
/** A name that ends so is read as an IPv4 address by everything that takes URLs. */
const numericLabel = /^(\d+|0x[0-9a-f]*)$/i;
const mostHostLength = 253;
const controls = /\p{Cc}/u;
const mostPemLength = 65_536;

/** Whether it can be an address or the name of a host. Any is allowed: routers are internal. What it takes can stand in a URL. */
export function isHost(text: string): boolean {
  if (text.includes(':')) return isIPv6(text) && URL.canParse(`https://[${text}]`);
  if (isIpv4(text)) return true;
  const labels = text.split('.');
  return (
    text.length <= mostHostLength &&
    labels.every((label) => hostLabel.test(label)) &&
    !numericLabel.test(labels.at(-1) ?? '') &&
    URL.canParse(`https://${text}`)
  );
}

export const isFingerprint = (text: string): boolean => /^[0-9a-f]{64}$/i.test(text.replaceAll(':', ''));

/** One spelling of a certificate's fingerprint. */
export const normalFingerprint = (text: string): string => text.replaceAll(':', '').toLowerCase();

export function isPrefix(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  return more.length === 0 && isIpv4(address) && /^([12]?\d|3[0-2])$/.test(length);
}

/** Everything that is wrong with `terms`, by the names of the API's fields. `isCertificate` tells whether a PEM text can be read. */
export function problemsOf(terms: RouterTerms, isCertificate: (pem: string) => boolean): FieldError[] {
  const { host, port, keyId, caPem, fingerprint, wanInterface, externalIp, dhcpNetwork, dhcpSubnet } = terms;
  const checks: readonly (readonly [field: string, ok: boolean, message: string])[] = [
    ['host', isHost(host), 'must be an address or a host name'],
    ['port', Number.isInteger(port) && port >= 1 && port <= 65_535, 'must be from 1 to 65535'],
    ['key_id', /^[\x21-\x7e]{1,64}$/.test(keyId), 'must be 1 to 64 printable characters without blanks'],
    [
      'ca_pem',
      caPem === '' || (caPem.length <= mostPemLength && isCertificate(caPem)),
      'must be certificates in PEM form',
    ],
    ['fingerprint', fingerprint === '' || isFingerprint(fingerprint), 'must be 64 hexadecimal digits, colons allowed'],
    ['wan_interface', /^[\w.@-]{0,32}$/.test(wanInterface), 'must be the name of an interface'],
    ['external_ip', externalIp === '' || isIpv4(externalIp), 'must be an IPv4 address'],
    [
      'dhcp_network',
      dhcpNetwork.length <= 255 && !controls.test(dhcpNetwork),
      'must have at most 255 printable characters',
    ],
    ['dhcp_subnet', dhcpSubnet === '' || isPrefix(dhcpSubnet), 'must be an IPv4 prefix, for example 10.10.0.0/16'],
  ];
  return checks.flatMap(([field, ok, message]) => (ok ? [] : [{ field, message }]));
}

/** What is wrong with an API key. */
export const keyProblems = (key: string): FieldError[] =>
  key.length >= 1 && key.length <= 512 && !controls.test(key)
    ? []
    : [{ field: 'key', message: 'must have 1 to 512 characters, no control characters' }];

/** Whether both lead to one device: the same address, or the same certificate. */
export const sameDevice = (
  a: Pick<RouterTerms, 'host' | 'port' | 'fingerprint'>,
  b: Pick<RouterTerms, 'host' | 'port' | 'fingerprint'>,
): boolean =>
  (a.host.toLowerCase() === b.host.toLowerCase() && a.port === b.port) ||
  (a.fingerprint !== '' && a.fingerprint === b.fingerprint);

export const sameTerms = (a: RouterTerms, b: RouterTerms): boolean =>
  Object.keys(a).every((name) => Reflect.get(a, name) === Reflect.get(b, name));
