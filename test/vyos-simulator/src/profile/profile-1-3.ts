import { acceptsEverything, type ComponentRow } from '../domain/component.ts';
import { container } from '../domain/schema.ts';
import { DhcpServerScript, dhcpRules13 } from '../domain/verify-dhcp-server.ts';
import { HttpsScript } from '../domain/verify-https.ts';
import { EthernetScript } from '../domain/verify-interface.ts';
import { NatScript } from '../domain/verify-nat.ts';
import { verifyNatRule13 } from '../domain/verify-nat-1-3.ts';
import type { Profile } from './profile.ts';
import { profile14 } from './profile-1-4.ts';
import { firewall13, interfaces13, nat13, system13 } from './schema-1-3.ts';
import { dhcpServer13 } from './schema-1-4-dhcp-server.ts';
import { https13, protocols, ssh } from './schema-1-5-system.ts';

/**
 * Owner nodes and priorities of vyos-1x a79b5907 (2024-07-11). The scripts of the DHCP server and of the firewall do
 * not run in vyos-configd, so their words come out, with a blank line behind; those of the others do not.
 */
const components: readonly ComponentRow[] = [
  { path: ['firewall'], priority: 210, words: 'shown with a blank line', script: acceptsEverything },
  { path: ['nat'], priority: 220, words: 'hidden', script: () => new NatScript(verifyNatRule13) },
  { path: ['interfaces', 'ethernet', '*'], priority: 318, words: 'hidden', script: () => new EthernetScript() },
  { path: ['interfaces', '*', '*'], priority: 318, words: 'hidden', script: acceptsEverything },
  {
    path: ['service', 'dhcp-server'],
    priority: 911,
    words: 'shown with a blank line',
    script: () => new DhcpServerScript(dhcpRules13),
  },
  { path: ['service', 'https'], priority: 1001, words: 'hidden', script: () => new HttpsScript(false) },
];

/** VyOS 1.3 (equuleus). */
export const profile13: Profile = {
  ...profile14,
  name: '1.3',
  schema: container({
    firewall: firewall13,
    interfaces: interfaces13,
    nat: nat13,
    protocols,
    service: container({ 'dhcp-server': dhcpServer13, https: https13, ssh }),
    system: system13,
  }),
  components,
  validatorsPrint: false,
  operationQuote: '"',
  formWords: '1.3',
  missingKeyStatus: 422,
  savedText: (file) => `Saving configuration to '${file}'...\nDone\n`,
  version: '1.3.8',
  releaseTrain: 'equuleus',
  releaseFlavor: undefined,
  proxied: /\/(?:retrieve|configure|config-file|image|generate|show|reset|docs|openapi\.json|redoc|graphql)/,
  whenAway: '200 with error',
  whenOff: '200 with error',
  endpoints: ['/retrieve', '/configure', '/config-file', '/show', '/generate', '/reset', '/image'],
};
