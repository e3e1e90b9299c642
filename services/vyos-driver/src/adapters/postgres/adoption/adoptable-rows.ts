import { createHash } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { AdoptableObject } from '../../../domain/adoption/adoptable-objects.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';

/** A page of what others made. */
export interface AdoptablePage {
  readonly objects: readonly AdoptableObject['object'][];
  /** The key that the next page begins behind; undefined on the last page. */
  readonly next: string | undefined;
}

const pageSize = 1_000;

/** Makes the stored objects what the newest reading showed; writes only what differs. */
export async function storeAdoptable(sql: Sql, router: string, objects: readonly AdoptableObject[]): Promise<void> {
  const texts = objects.map(({ object }) => JSON.stringify(object));
  const hash = createHash('sha256');
  for (const [index, { key }] of objects.entries()) hash.update(`${key}\0${texts[index]}\0`);
  const changed = await sql.execute(
    'UPDATE routers SET foreign_objects_hash = $2 WHERE name = $1 AND foreign_objects_hash <> $2',
    [router, hash.digest('hex')],
  );
  if (changed === 0) return;
  const keys = objects.map(({ key }) => key);
  await sql.execute(
    `DELETE FROM foreign_objects AS known WHERE router = $1
       AND NOT EXISTS (SELECT FROM unnest($2::text[]) AS there (path) WHERE there.path = known.path)`,
    [router, keys],
  );
  await sql.execute(
    `INSERT INTO foreign_objects AS known (router, path, object)
     SELECT $1, * FROM unnest($2::text[], $3::jsonb[])
     ON CONFLICT (router, path) DO UPDATE SET object = excluded.object WHERE known.object <> excluded.object`,
    [router, keys, texts],
  );
}

/** What others made on a router, behind the key `after`; what was adopted since is left out. Throws ROUTER_UNKNOWN. */
export async function adoptablePage(sql: Sql, router: string, after: string): Promise<AdoptablePage> {
  const rows = await sql.query<{ path: string | null; object: AdoptableObject['object'] }>(
    `SELECT page.path, page.object FROM routers LEFT JOIN LATERAL (
       SELECT made.path, made.object FROM foreign_objects AS made
       WHERE made.router = routers.name AND made.path > $2 AND NOT EXISTS (
         SELECT FROM owned_paths AS owned WHERE owned.router = made.router AND owned.path = made.path)
       ORDER BY made.path LIMIT $3
     ) AS page ON true WHERE routers.name = $1 AND routers.removed_at IS NULL ORDER BY page.path`,
    [router, after, pageSize + 1],
  );
  if (rows.length === 0) {
    throw routerUnknown(router);
  }
  const page = rows.slice(0, pageSize).filter(({ path }) => path !== null);
  return {
    objects: page.map(({ object }) => object),
    next: rows.length > pageSize ? (page.at(-1)?.path ?? undefined) : undefined,
  };
}
