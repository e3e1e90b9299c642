import type { Sql } from '@berth/database';
import type { ValueStore } from '../../app/ports.ts';
import { type FreedRange, freeRanges } from './free-ranges.ts';
import { reserveValues } from './reserve-values.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';

/** Values in Postgres: taken under the router's lock with a fixed number of statements, however many ask at once. */
export function postgresValues(
  sql: Sql,
  catalogue: () => Promise<SpaceCatalogue>,
  options: { readonly quarantineMs: number },
): ValueStore {
  return {
    reserve: async (asked) => (asked.length === 0 ? [] : reserveValues(sql, await catalogue(), asked)),

    async release(given, how) {
      const rows = given.flatMap(({ holder, slots }) =>
        (slots ?? [null]).map((slot) => ({ ...holder, vmName: holder.vmName.toLowerCase(), slot })),
      );
      if (rows.length === 0) return;
      const values = [rows.map(({ vmId }) => vmId), rows.map(({ slot }) => slot)];
      const former = [rows.map(({ ownerGroup }) => ownerGroup), rows.map(({ vmName }) => vmName)];
      const which = `a.vm_id = g.vm_id AND a.kind = 'vm' AND (g.slot IS NULL OR a.slot = g.slot)`;
      const rest = (until: string, also: string, more: readonly unknown[]) =>
        sql.execute(
          `UPDATE allocations a SET kind = 'quarantine', until = ${until}, rests_until = NULL,
             former_group = g.former_group, former_name = g.former_name
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS g (vm_id, slot, former_group, former_name)
           WHERE ${which} ${also}`,
          [...values, ...former, ...more],
        );
      if (how === 'quarantine') {
        await rest('clock_timestamp() + make_interval(secs => $5)', '', [options.quarantineMs / 1000]);
        return;
      }
      // What came back from quarantine stood before this holder had it: it rests on.
      await rest('a.rests_until', 'AND a.rests_until > clock_timestamp()', []);
      const freed = await sql.query<FreedRange>(
        `DELETE FROM allocations a USING unnest($1::uuid[], $2::text[]) AS g (vm_id, slot) WHERE ${which}
         RETURNING a.space_id, lower(a.held)::float8 AS first, upper(a.held)::float8 - 1 AS last`,
        values,
      );
      await freeRanges(sql, freed);
    },
  };
}
