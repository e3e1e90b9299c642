import type { UpdateRouterRequest } from '@berth/contracts';
import type { RouterChanges } from '../../app/routers/router-admin.ts';

/** What a request names; an empty port or key id is the default. */
export function toChanges(request: UpdateRouterRequest): RouterChanges {
  const { host, port, keyId, key, caPem, fingerprint, wanInterface, externalIp, dhcpNetwork, dhcpSubnet, enabled } =
    request;
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: port || 443 }),
    ...(keyId === undefined ? {} : { keyId: keyId || 'berth' }),
    ...(key === undefined ? {} : { key }),
    ...(caPem === undefined ? {} : { caPem }),
    ...(fingerprint === undefined ? {} : { fingerprint }),
    ...(wanInterface === undefined ? {} : { wanInterface }),
    ...(externalIp === undefined ? {} : { externalIp }),
    ...(dhcpNetwork === undefined ? {} : { dhcpNetwork }),
    ...(dhcpSubnet === undefined ? {} : { dhcpSubnet }),
    ...(enabled === undefined ? {} : { enabled }),
  };
}
