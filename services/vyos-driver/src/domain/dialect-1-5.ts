import { defineDialect } from './define-dialect.ts';
import type { Dialect } from './dialect.ts';

/** VyOS 1.5 (vyos-1x of 2024-09 and later): Kea, `mac`, the interface below `inbound-interface name`. */
export const dialect15: Dialect = defineDialect({
  version: '1.5',
  mappingMacLeaf: 'mac',
  inboundInterface: (name) => ({ name }),
});
