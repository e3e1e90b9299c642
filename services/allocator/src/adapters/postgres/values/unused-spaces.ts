import type { Sql } from '@berth/database';
import type { SpaceName } from '../../../domain/pools/pool-segments.ts';

/** The spaces of a router that must stay: of ports, those of which anything is held, and those of addresses that VMs are on. */
export const spacesInUse = (sql: Sql, router: string): Promise<SpaceName[]> =>
  sql.query<SpaceName>(
    `SELECT s.kind, s.external_ip AS "externalIp" FROM spaces s WHERE s.router = $1 AND (s.kind NOT IN ('tcp', 'udp')
       OR EXISTS (SELECT FROM allocations a WHERE a.space_id = s.id AND a.kind <> 'foreign')
       OR EXISTS (SELECT FROM vms v WHERE v.router = s.router AND v.state NOT IN ('failed', 'removed')
         AND v.site ->> 'externalIp' = s.external_ip))`,
    [router],
  );

/** Drops a router's spaces of ports that are not among these, which have all that are in use; their segments are gone already. */
export async function dropSpaces(
  sql: Sql,
  router: string,
  kept: readonly { readonly space: SpaceName }[],
): Promise<void> {
  const gone = await sql.query<{ id: number }>(
    `SELECT s.id FROM spaces s WHERE s.router = $1 AND s.kind IN ('tcp', 'udp')
       AND (s.kind, s.external_ip) NOT IN (SELECT * FROM unnest($2::text[], $3::text[]))`,
    [router, kept.map(({ space }) => space.kind), kept.map(({ space }) => space.externalIp)],
  );
  if (gone.length === 0) return;
  const ids = [gone.map(({ id }) => id)];
  await sql.execute(`DELETE FROM allocations WHERE space_id = ANY($1) AND kind = 'foreign'`, ids);
  await sql.execute('DELETE FROM spaces WHERE id = ANY($1)', ids);
}
