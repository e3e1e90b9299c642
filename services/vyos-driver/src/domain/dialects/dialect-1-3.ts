import { defineDialect } from './define-dialect.ts';
import type { Dialect } from './dialect.ts';

/** VyOS 1.3: ISC DHCP, the interface as a value. The script of NAT runs where its words are lost; that of DHCP does not. */
export const dialect13: Dialect = defineDialect({
  version: '1.3',
  mappingMacLeaf: 'mac-address',
  inboundInterface: (name) => name,
  mappingName: { accepts: /^[-_A-Za-z0-9.]+$/, hint: 'letters, digits, -, _ and . only' },
  silentComponents: new Set(['nat']),
  confirms: false,
  timesRefusedCommits: false,
  freezes: false,
  tellsInfo: false,
});
