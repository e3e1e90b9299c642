import type { RouterSettingsSchema, UpdateRouterRequestSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Static } from 'typebox';
import type { testRouterBody, updateRouterBody } from './router-schemas.ts';

type Settings = Exclude<MessageInitShape<typeof RouterSettingsSchema>, { $typeName: string }>;
type Changes = Omit<
  Exclude<MessageInitShape<typeof UpdateRouterRequestSchema>, { $typeName: string }>,
  'context' | 'router'
>;

/** The settings that a body names; null is the default. The driver judges what they say. */
export function toSettings(
  body: Static<typeof updateRouterBody> & Partial<Static<typeof testRouterBody>>,
): Changes & Settings {
  const { host, port, key_id, key, ca_pem, fingerprint, wan_interface, external_ip, dhcp_network, dhcp_subnet } = body;
  return {
    ...(host === undefined ? {} : { host }),
    ...(port === undefined ? {} : { port: port ?? 0 }),
    ...(key_id === undefined ? {} : { keyId: key_id ?? '' }),
    ...(key === undefined ? {} : { key }),
    ...(ca_pem === undefined ? {} : { caPem: ca_pem ?? '' }),
    ...(fingerprint === undefined ? {} : { fingerprint: fingerprint ?? '' }),
    ...(wan_interface === undefined ? {} : { wanInterface: wan_interface ?? '' }),
    ...(external_ip === undefined ? {} : { externalIp: external_ip ?? '' }),
    ...(dhcp_network === undefined ? {} : { dhcpNetwork: dhcp_network ?? '' }),
    ...(dhcp_subnet === undefined ? {} : { dhcpSubnet: dhcp_subnet ?? '' }),
  };
}
