import {
  type AddressSpan,
  IpFamily,
  type NumberSpan,
  type Pool as PoolMessage,
  PoolState as PoolStateCode,
  PortProtocol,
} from '@berth/contracts';
import type { PoolState } from '../../domain/pools/pool.ts';
import type { PoolDraft, SpanDraft } from '../../domain/pools/pool-draft.ts';

const states: Partial<Record<PoolStateCode, PoolState>> = {
  [PoolStateCode.UNSPECIFIED]: 'active',
  [PoolStateCode.ACTIVE]: 'active',
  [PoolStateCode.DRAINING]: 'draining',
  [PoolStateCode.DISABLED]: 'disabled',
};

const protocols: Partial<Record<PortProtocol, 'tcp' | 'udp'>> = {
  [PortProtocol.TCP]: 'tcp',
  [PortProtocol.UDP]: 'udp',
};

/** What a caller calls a protocol; undefined for what this version does not know. */
export const toProtocol = (code: PortProtocol): 'tcp' | 'udp' | undefined => protocols[code];

const addressSpan = ({ first, last }: AddressSpan): SpanDraft<string> => ({ first, last });
const numberSpan = ({ first, last }: NumberSpan): SpanDraft<number> => ({ first, last });

/** A pool as it is asked for. What only we write is not looked at. */
export const toPoolDraft = (message: PoolMessage): PoolDraft => ({
  name: message.name,
  router: message.router,
  description: message.description,
  groups: message.groups,
  isDefault: message.isDefault,
  state: states[message.state],
  alertThresholds: message.alertThresholds,
  values: toValues(message.values),
});

function toValues({ case: kind, value }: PoolMessage['values']): PoolDraft['values'] {
  switch (kind) {
    case 'ip':
      return {
        ...{ kind: 'ip-pools', cidrs: value.cidrs, ranges: value.ranges.map(addressSpan) },
        ...{ exclusions: value.exclusions.map(addressSpan), gateway: value.gateway, dns: value.dns },
        ...{ leaseSeconds: value.leaseSeconds, dhcpNetwork: value.dhcpNetwork, subnet: value.subnet },
        ...{ subnetId: value.subnetId, wantsIpv6: value.family === IpFamily.IPV6 },
      };
    case 'port':
      return {
        ...{ kind: 'port-pools', externalIp: value.externalIp, interface: value.interface },
        ...{ ranges: value.ranges.map(numberSpan), denied: value.denied.map(numberSpan) },
        protocols: value.protocols.map(toProtocol),
      };
    case 'rule':
      return {
        kind: 'rule-pools',
        ranges: value.ranges.map(numberSpan),
        exclusions: value.exclusions.map(numberSpan),
      };
    default:
      return undefined;
  }
}
