import type { Sql } from '@berth/database';
import type { Holder } from '../../../app/ports.ts';
import type { KeptValue } from '../../../domain/values/choose-values.ts';
import type { SpaceCatalogue } from './space-catalogue.ts';

const keyOf = (group: string, name: string, router: string): string =>
  JSON.stringify([group, name.toLowerCase(), router]);

/**
 * Values in quarantine whose former holders ask, with the segment that each is of by now; not those that others hold on the router. They
 * are told apart by segment: one of another address or pool is of a segment that its former holder does not get anything from.
 */
export async function loadKept(
  sql: Sql,
  catalogue: SpaceCatalogue,
  holders: readonly Holder[],
): Promise<(holder: Holder, router: string) => readonly KeptValue[]> {
  const rows = await sql.query<{
    id: string;
    space_id: number;
    segment_id: number | null;
    first: number;
    last: number;
    slot: string;
    former_group: string;
    former_name: string;
  }>(
    `SELECT id, space_id, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last, slot, former_group, former_name,
       (SELECT r.segment_id FROM segment_ranges r WHERE r.space_id = a.space_id AND r.span @> a.held) AS segment_id
     FROM allocations a WHERE kind = 'quarantine' AND space_id = ANY($1)
       AND (former_group, former_name) IN (SELECT * FROM unnest($2::text[], $3::text[]))
       AND NOT EXISTS (SELECT FROM spaces s JOIN foreign_holdings f ON f.router = s.router AND f.kind = s.kind
         WHERE s.id = a.space_id AND (s.external_ip = '' OR f.external_ip IN ('', s.external_ip)) AND f.held && a.held)
     ORDER BY id DESC`,
    [
      catalogue.spaces.map(({ id }) => id),
      holders.map(({ ownerGroup }) => ownerGroup),
      holders.map(({ vmName }) => vmName.toLowerCase()),
    ],
  );
  const spaces = new Map(catalogue.spaces.map((space) => [space.id, space]));
  const values = rows.flatMap((row) => {
    const space = spaces.get(row.space_id);
    if (space === undefined) return [];
    const held = { first: row.first, last: row.last };
    const value: KeptValue = { id: row.id, space: space.kind, segmentId: row.segment_id, held, slot: row.slot };
    return [{ key: keyOf(row.former_group, row.former_name, space.router), value }];
  });
  const byHolder = Map.groupBy(values, ({ key }) => key);
  return ({ ownerGroup, vmName }, router) =>
    (byHolder.get(keyOf(ownerGroup, vmName, router)) ?? []).map(({ value }) => value);
}
