import { type DialectTable, defineDialect } from './define-dialect.ts';
import type { Dialect } from './dialect.ts';

const table: DialectTable = {
  version: '1.5',
  mappingMacLeaf: 'mac',
  inboundInterface: (name) => ({ name }),
  mappingName: {
    accepts: /^[A-Za-z0-9][-.A-Za-z0-9]*$/,
    hint: 'letters, digits, - and . only, a letter or digit first',
  },
  silentComponents: new Set(),
  confirms: false,
  timesRefusedCommits: false,
  freezes: false,
  // Since March 2025; the earlier ones say that they do not know the call.
  tellsInfo: true,
};

/** VyOS 1.5 (vyos-1x of 2024-09 and later): Kea, `mac`, the interface below `inbound-interface name`, reasons of refusals. */
export const dialect15: Dialect = defineDialect(table);

/** VyOS 1.5 of June 2025 to February 2026: commit-confirm, and an API that overlapping writes freeze. */
export const dialect15Freezing: Dialect = defineDialect({
  ...table,
  confirms: true,
  timesRefusedCommits: true,
  freezes: true,
});

/** VyOS 1.5 since March 2026: commit-confirm, and writes queue again. */
export const dialect15Confirming: Dialect = defineDialect({ ...table, confirms: true });
