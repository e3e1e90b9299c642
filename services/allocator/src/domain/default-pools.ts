import type { SpaceKind } from './choose-values.ts';
import { hostAddresses, parseIpv4, parsePrefix } from './ipv4.ts';
import { type NumberRange, overlapOf, without } from './number-range.ts';
import type { RouterSite } from './vm.ts';

/** What the default pools are made of, from the settings. */
export interface PoolSettings {
  /** Absent: all of the router's DHCP subnet. */
  readonly addressRange: NumberRange | undefined;
  readonly portRange: NumberRange;
  readonly ruleRange: NumberRange;
}

/** The ranges of a kind of numbers: those handed out by themselves, and those that a caller may ask for besides. */
export interface SpaceRanges {
  readonly space: SpaceKind;
  readonly pool: readonly NumberRange[];
  readonly rest: readonly NumberRange[];
}

/** External ports that a caller may name. Lower ones are for services of the router itself. */
export const forwardablePorts: NumberRange = { first: 1024, last: 65_535 };

/** The addresses of a subnet that can be given to VMs: no network, broadcast or gateway address. */
function usableAddresses(subnet: string, gateway: string): NumberRange[] {
  const prefix = parsePrefix(subnet);
  if (prefix === undefined) return [];
  const router = parseIpv4(gateway);
  return without(hostAddresses(prefix), router === undefined ? [] : [{ first: router, last: router }]);
}

/** A router's default pools. Addresses that its DHCP gives out by itself, and all that others hold, are taken out elsewhere: they are held. */
export function defaultPools(settings: PoolSettings, site: RouterSite, gateway: string): SpaceRanges[] {
  const usable = usableAddresses(site.dhcpSubnet, gateway);
  const wished = settings.addressRange;
  const addresses = wished
    ? usable.flatMap((range) => {
        const common = overlapOf(range, wished);
        return common ? [common] : [];
      })
    : usable;
  const ports = { pool: [settings.portRange], rest: without(forwardablePorts, [settings.portRange]) };
  return [
    { space: 'address', pool: addresses, rest: usable.flatMap((range) => without(range, addresses)) },
    { space: 'tcp', ...ports },
    { space: 'udp', ...ports },
    { space: 'rule', pool: [settings.ruleRange], rest: [] },
  ];
}
