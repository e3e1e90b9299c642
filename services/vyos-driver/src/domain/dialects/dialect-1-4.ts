import { defineDialect } from './define-dialect.ts';
import type { Dialect } from './dialect.ts';

/** VyOS 1.4: ISC DHCP, the interface below `inbound-interface name`; no refused commit says why. */
export const dialect14: Dialect = defineDialect({
  version: '1.4',
  mappingMacLeaf: 'mac-address',
  inboundInterface: (name) => ({ name }),
  mappingName: { accepts: /^[-_A-Za-z0-9.]+$/, hint: 'letters, digits, -, _ and . only' },
  silentComponents: new Set(['nat', 'service dhcp-server']),
  confirms: false,
  timesRefusedCommits: false,
  freezes: false,
  tellsInfo: false,
});
