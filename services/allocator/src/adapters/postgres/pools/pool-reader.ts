import type { Database } from '@berth/database';
import type { PoolReader } from '../../../app/pools/read-pools.ts';
import { describePools } from './describe-pools.ts';
import { generationText, revisionText } from './pool-changes.ts';
import { findPool, type PoolRow, poolColumns, toPool } from './pool-rows.ts';

type PageRow = { readonly generation: string; readonly revision: string } & (PoolRow | { readonly id: null });

/** Reads pools outside of any transaction that changes something. */
export const postgresPoolReader = (database: Database): PoolReader => ({
  pool: (kind, name) => findPool(database, kind, name),

  async page({ filter, after, size }) {
    // One statement sees one state: the revision is that of these very pools.
    const rows = await database.query<PageRow>(
      `SELECT ${generationText} AS generation, g.revision, page.*
       FROM pool_revision g LEFT JOIN (
         SELECT ${poolColumns} FROM pools p
         WHERE ($1 = '' OR p.kind = $1) AND ($2 = '' OR p.router = $2) AND (p.groups = '{}' OR $3 = '' OR $3 = ANY(p.groups))
           AND (p.groups = '{}' OR $7::text[] IS NULL OR p.groups && $7)
           AND ($4::text IS NULL OR (p.kind, p.name) > ($4, $5))
         ORDER BY p.kind, p.name LIMIT $6
       ) page ON true ORDER BY page.kind, page.name`,
      [
        ...[filter.kind, filter.router, filter.group, after?.[0] ?? null, after?.[1] ?? null, size],
        filter.visibleTo === 'all' ? null : filter.visibleTo,
      ],
    );
    const [first] = rows;
    if (first === undefined) throw new Error('the table pool_revision is empty');
    return {
      pools: rows.flatMap((row) => (row.id === null ? [] : toPool(row))),
      revision: revisionText(first.generation, Number(first.revision)),
    };
  },

  describe: (pools) => describePools(database, pools),
});
