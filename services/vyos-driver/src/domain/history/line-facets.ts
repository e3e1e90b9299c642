import { pathOfKey } from '../config-tree.ts';
import { isIpv4 } from '../ipv4.ts';
import { type ConfigNode, childOf, valuesOf } from '../normal-tree.ts';
import { type PortRange, portsOf } from '../port-set.ts';
import { textIn } from './config-line.ts';

/** By what a line is asked for. What it does not have is undefined. */
export interface LineFacets {
  /** Of a destination rule. */
  readonly ruleNumber: number | undefined;
  readonly mappingName: string | undefined;
  /** Lower case. */
  readonly macAddress: string | undefined;
  /** The address that a mapping gives, or that a rule leads to. */
  readonly address: string | undefined;
  /** Of a destination rule; undefined: any, or not one address. */
  readonly externalIp: string | undefined;
  /** Of a destination rule: as it stands there. */
  readonly protocol: string | undefined;
  /** External ports of a destination rule. */
  readonly ports: readonly PortRange[] | undefined;
}

const none: LineFacets = {
  ruleNumber: undefined,
  mappingName: undefined,
  macAddress: undefined,
  address: undefined,
  externalIp: undefined,
  protocol: undefined,
  ports: undefined,
};

/** What can be asked of the line at `key`, whichever version of VyOS wrote it. */
export function facetsOf(key: string, content: ConfigNode): LineFacets {
  const path = pathOfKey(key);
  const name = path.at(-1) ?? '';
  const place = path.slice(0, -1);
  if (place.join(' ') === 'nat destination rule') return ofRule(name, content);
  if (path[1] === 'dhcp-server' && place.at(-1) === 'static-mapping') {
    const mac = textIn(content, 'mac') || textIn(content, 'mac-address');
    const address = textIn(content, 'ip-address');
    return { ...none, mappingName: name, macAddress: mac.toLowerCase() || undefined, address: address || undefined };
  }
  return none;
}

function ofRule(name: string, content: ConfigNode): LineFacets {
  const externalIp = textIn(content, 'destination', 'address');
  const ports = portsOf(valuesOf(childOf(childOf(content, 'destination'), 'port')).join(','));
  return {
    ...none,
    ruleNumber: /^\d{1,9}$/.test(name) ? Number(name) : undefined,
    address: textIn(content, 'translation', 'address') || undefined,
    externalIp: isIpv4(externalIp) ? externalIp : undefined,
    protocol: textIn(content, 'protocol') || undefined,
    ports: ports.filter(({ first, last }) => first <= last),
  };
}
