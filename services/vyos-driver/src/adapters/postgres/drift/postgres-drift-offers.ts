import type { Database } from '@berth/database';
import type { DriftOffer, DriftOffers } from '../../../app/drift/offer-drift.ts';
import type { ConfigTree } from '../../../domain/config-tree.ts';
import type { OfferedItem } from '../../../domain/drift/drift-offer.ts';

const atOnce = 500;

interface Row {
  readonly router: string;
  readonly resource_id: string;
  readonly incarnation: string;
  readonly number: string;
  readonly other: string | null;
  readonly items: readonly { id: string; path: string; expected: ConfigTree | null; found: ConfigTree | null }[];
}

/** Offers in the `drift_items` table. A resource with a change on its way is left alone: that change wins. */
export const postgresDriftOffers = (database: Database): DriftOffers => ({
  async open() {
    const rows = await database.query<Row>(
      `SELECT item.router, item.resource_id, resources.wanted_incarnation AS incarnation, resources.wanted_number AS number,
         jsonb_agg(jsonb_build_object('id', item.id, 'path', item.path, 'expected', item.expected, 'found', item.found)
           ORDER BY item.path) AS items,
         (SELECT min(other.path) FROM drift_items AS other WHERE other.router = item.router AND other.resource_id = item.resource_id
           AND other.state = 'open' AND (other.policy <> 'accept' OR other.repairing OR other.offer <> '')) AS other
       FROM drift_items AS item JOIN resources USING (router, resource_id)
       WHERE item.state = 'open' AND item.policy = 'accept' AND item.offer = '' AND NOT item.repairing AND NOT resources.waiting
       GROUP BY item.router, item.resource_id, resources.wanted_incarnation, resources.wanted_number LIMIT ${atOnce}`,
    );
    return rows.map(toOffer);
  },

  async close(items, note) {
    await database.execute(
      `UPDATE drift_items SET offer = 'made', note = $3
       FROM unnest($1::uuid[], $2::jsonb[]) AS offered (id, found)
       WHERE drift_items.id = offered.id AND state = 'open' AND drift_items.found IS NOT DISTINCT FROM offered.found`,
      [items.map(({ id }) => id), items.map(({ found }) => (found === undefined ? null : JSON.stringify(found))), note],
    );
  },
});

const toOffer = (row: Row): DriftOffer => ({
  resourceId: row.resource_id,
  revision: { incarnation: BigInt(row.incarnation), number: BigInt(row.number) },
  items: row.items.map(
    ({ id, path, expected, found }): OfferedItem => ({
      id,
      key: path,
      expected: expected ?? undefined,
      found: found ?? undefined,
    }),
  ),
  other: row.other ?? undefined,
});
