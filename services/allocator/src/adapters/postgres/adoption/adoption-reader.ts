import type { Database } from '@berth/database';
import type { AdoptionReader } from '../../../app/adoption/plan-adoption.ts';
import { routersByName } from '../router-rows.ts';
import { heldValues } from '../values/held-values.ts';
import { alive } from '../vms/vm-rows.ts';

/** What the books tell about objects that may be adopted, without locks. */
export const postgresAdoptions = (database: Database): AdoptionReader => ({
  router: async (name) => (await routersByName(database, [name])).get(name),

  async holders(router, values) {
    const asked = values.map((value, place) => ({ ...value, place, vmId: '' }));
    return new Map((await heldValues(database, router, asked)).map(({ place, by }) => [place, by]));
  },

  async claimants(claims) {
    const rows = await database.query<{ place: number; name: string | null }>(
      `SELECT w.place::int, v.name FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS w (kind, scope, value, place)
       JOIN claims c ON c.kind = w.kind AND c.scope = w.scope AND c.value = w.value AND c.vm_id IS NOT NULL
       LEFT JOIN vms v ON v.id = c.vm_id`,
      [claims.map(({ kind }) => kind), claims.map(({ scope }) => scope), claims.map(({ value }) => value)],
    );
    return new Map(rows.map(({ place, name }) => [place - 1, name ?? 'that is being made']));
  },

  async vmsAt(router, addresses) {
    const rows = await database.query<{ internal_ip: string; name: string }>(
      `SELECT internal_ip, name FROM vms WHERE internal_ip::inet = ANY($2::inet[]) AND router = $1 AND ${alive}`,
      [router, addresses],
    );
    return new Map(rows.map(({ internal_ip, name }) => [internal_ip, name]));
  },
});
