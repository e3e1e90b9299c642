import type { Sql } from '@berth/database';
import type { ValueStore } from '../../../app/ports.ts';
import { freeRanges } from './free-ranges.ts';
import { dropValues, quarantineValues, renameValues } from './release-values.ts';
import { reserveValues } from './reserve-values.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';
import { takeBackValues } from './take-back-values.ts';
import { takeOverValues } from './take-over-values.ts';

/** Values in Postgres: taken under the router's lock with a fixed number of statements, however many ask at once. */
export function postgresValues(
  sql: Sql,
  catalogue: () => Promise<SpaceCatalogue>,
  options: { readonly quarantineMs: number },
): ValueStore {
  return {
    reserve: async (asked) => (asked.length === 0 ? [] : reserveValues(sql, await catalogue(), asked)),

    takeOver: (asked) => takeOverValues(sql, asked),

    takeBack: (asked) => takeBackValues(sql, asked),

    async release(given, how) {
      if (how === 'quarantine') await quarantineValues(sql, given, options.quarantineMs);
      else await freeRanges(sql, await dropValues(sql, given));
    },

    rename: (held) => renameValues(sql, held),
  };
}
