import { acceptsEverything, type ComponentRow } from '../domain/component.ts';
import { container } from '../domain/schema.ts';
import { DhcpServerScript, dhcpRules14 } from '../domain/verify-dhcp-server.ts';
import { FirewallScript } from '../domain/verify-firewall.ts';
import { HttpsScript } from '../domain/verify-https.ts';
import { EthernetScript } from '../domain/verify-interface.ts';
import { NatScript, verifyNatRule } from '../domain/verify-nat.ts';
import type { Profile } from './profile.ts';
import { profile15 } from './profile-1-5.ts';
import { dhcpServer14 } from './schema-1-4-dhcp-server.ts';
import { firewall } from './schema-1-5-firewall.ts';
import { nat14 } from './schema-1-5-nat.ts';
import { https14, interfaces, ntp, protocols, ssh, system } from './schema-1-5-system.ts';

/** Owner nodes and priorities of vyos-1x c3f68865 (2024-10-17). All scripts run in vyos-configd, so no reason comes out. */
const components: readonly ComponentRow[] = [
  { path: ['nat'], priority: 220, words: 'hidden', script: () => new NatScript(verifyNatRule) },
  { path: ['interfaces', 'ethernet', '*'], priority: 318, words: 'hidden', script: () => new EthernetScript() },
  { path: ['interfaces', '*', '*'], priority: 318, words: 'hidden', script: acceptsEverything },
  {
    path: ['firewall'],
    priority: 489,
    words: 'hidden',
    script: () => new FirewallScript(),
    dependents: [{ when: ['firewall', 'group'], path: ['nat'] }],
  },
  {
    path: ['service', 'dhcp-server'],
    priority: 911,
    words: 'hidden',
    script: () => new DhcpServerScript(dhcpRules14),
  },
  { path: ['service', 'https'], priority: 1001, words: 'hidden', script: () => new HttpsScript(false) },
];

/** VyOS 1.4 (sagitta). */
export const profile14: Profile = {
  ...profile15,
  name: '1.4',
  schema: container({
    firewall,
    interfaces,
    nat: nat14,
    protocols,
    service: container({ 'dhcp-server': dhcpServer14, https: https14, ntp, ssh }),
    system,
  }),
  components,
  escapesErrors: false,
  successData: 'null',
  strictPath: ['service', 'https', 'api', 'strict'],
  apiPath: ['service', 'https', 'api'],
  version: '1.4.0',
  releaseTrain: 'sagitta',
  showsMappings: false,
  whenOff: '503 page',
  proxied:
    /^\/(?:retrieve|configure|config-file|image|container-image|generate|show|reboot|reset|poweroff|docs|openapi\.json|redoc|graphql)/,
  endpoints: profile15.endpoints.filter((path) => path !== '/import-pki'),
};
