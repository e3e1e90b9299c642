import { acceptsEverything, type ComponentRow } from '../domain/component.ts';
import { type ContainerSchema, container } from '../domain/schema.ts';
import { DhcpServerScript, dhcpRules15 } from '../domain/verify-dhcp-server.ts';
import { FirewallScript } from '../domain/verify-firewall.ts';
import { HttpsScript } from '../domain/verify-https.ts';
import { EthernetScript } from '../domain/verify-interface.ts';
import { NatScript, verifyNatRule } from '../domain/verify-nat.ts';
import type { Profile } from './profile.ts';
import { dhcpServer } from './schema-1-5-dhcp-server.ts';
import { firewall } from './schema-1-5-firewall.ts';
import { nat } from './schema-1-5-nat.ts';
import { https, interfaces, ntp, protocols, ssh, system } from './schema-1-5-system.ts';

/** Owner nodes and priorities of vyos-1x 3710c5879 (2024-10-21). */
const components: readonly ComponentRow[] = [
  { path: ['nat'], priority: 220, script: () => new NatScript(verifyNatRule) },
  { path: ['interfaces', 'ethernet', '*'], priority: 318, script: () => new EthernetScript() },
  { path: ['interfaces', '*', '*'], priority: 318, script: acceptsEverything },
  {
    path: ['firewall'],
    priority: 489,
    script: () => new FirewallScript(),
    // group_resync: a commit of firewall runs nat.py again as long as there are groups, or there were.
    dependents: [{ when: ['firewall', 'group'], path: ['nat'] }],
  },
  { path: ['service', 'dhcp-server'], priority: 911, script: () => new DhcpServerScript(dhcpRules15) },
  { path: ['service', 'https'], priority: 1001, script: () => new HttpsScript(true) },
];

export const schema15With = (systemSchema: ContainerSchema): ContainerSchema =>
  container({
    firewall,
    interfaces,
    nat,
    protocols,
    service: container({ 'dhcp-server': dhcpServer, https, ntp, ssh }),
    system: systemSchema,
  });

/** VyOS 1.5 rolling of October 2024, as observed. */
export const profile15: Profile = {
  name: '1.5-2024',
  schema: schema15With(system),
  components,
  wrapErrorsAt: 72,
  escapesErrors: true,
  validatorsPrint: true,
  successData: 'warnings',
  operationQuote: "'",
  formWords: 'since 1.4',
  missingKeyStatus: 401,
  savedText: () => '',
  strictPath: ['service', 'https', 'api', 'rest', 'strict'],
  apiPath: ['service', 'https', 'api', 'rest'],
  version: '1.5-rolling-202410210000',
  releaseTrain: 'current',
  releaseFlavor: '',
  showsMappings: true,
  proxy: 'nginx/1.22.1',
  proxied:
    /^\/(?:retrieve|configure|config-file|image|import-pki|container-image|generate|show|reboot|reset|poweroff|docs|openapi\.json|redoc|graphql)/,
  whenAway: 'page',
  whenOff: 'not found',
  endpoints: [
    '/retrieve',
    '/configure',
    '/configure-section',
    '/config-file',
    '/show',
    '/generate',
    '/reset',
    '/image',
    '/container-image',
    '/import-pki',
    '/reboot',
    '/poweroff',
  ],
  hasInfo: false,
  commitConfirm: undefined,
  worksInBackground: false,
  merges: false,
  filesWait: 'loads only',
  canFreeze: false,
};
