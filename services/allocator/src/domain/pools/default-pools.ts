import { parsePrefix } from '../ipv4.ts';
import type { NumberRange } from '../number-range.ts';
import type { RouterSite } from '../vms/vm.ts';
import type { PoolSpec } from './pool.ts';

/** What the default pools are made of, from the settings. */
export interface PoolSettings {
  /** Absent: all of the router's DHCP subnet. */
  readonly addressRange: NumberRange | undefined;
  /** The router that the range is surely meant for; others have it when it lies in their subnet. Absent: all. */
  readonly addressRangeFor?: string;
  readonly portRange: NumberRange;
  readonly ruleRange: NumberRange;
}

/**
 * The pools that the settings make on a router, one of each kind: at its own place in the network. Addresses that its DHCP gives out by
 * itself, and all that others hold, stay in: they are held.
 */
export function defaultPools({ addressRange, portRange, ruleRange }: PoolSettings, site: RouterSite): PoolSpec[] {
  return [
    {
      kind: 'ip-pools',
      cidrs: addressRange ? [] : [site.dhcpSubnet],
      ranges: addressRange ? [addressRange] : [],
      exclusions: [],
      gateway: '',
      dns: [],
      leaseSeconds: 0,
      dhcpNetwork: site.dhcpNetwork,
      subnet: site.dhcpSubnet,
      subnetId: 0,
    },
    { kind: 'port-pools', externalIp: '', interface: '', ranges: [portRange], denied: [], protocols: ['tcp', 'udp'] },
    { kind: 'rule-pools', ranges: [ruleRange], exclusions: [] },
  ];
}

/** The settings' pools of any router: none before its place in the network is known. */
export const poolsFromSettings =
  (settings: PoolSettings) =>
  ({ name, site }: { readonly name: string; readonly site: RouterSite | null }): PoolSpec[] => {
    if (site === null) return [];
    const meant =
      [name, undefined].includes(settings.addressRangeFor) || isWithin(settings.addressRange, site.dhcpSubnet);
    return defaultPools(meant ? settings : { ...settings, addressRange: undefined }, site);
  };

function isWithin(range: NumberRange | undefined, subnet: string): boolean {
  const network = parsePrefix(subnet);
  return range !== undefined && network !== undefined && range.first >= network.first && range.last <= network.last;
}
