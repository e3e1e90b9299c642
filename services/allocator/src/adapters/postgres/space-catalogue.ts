import type { Sql } from '@berth/database';
import type { SpaceKind } from '../../domain/choose-values.ts';
import { type NumberRange, overlapOf } from '../../domain/number-range.ts';

/** A pool of a space: `default` is handed out by itself, `rest` holds what callers may ask for besides. */
export interface PoolEntry {
  readonly id: number;
  readonly name: string;
  readonly ranges: readonly NumberRange[];
}

export interface SpaceEntry {
  readonly id: number;
  readonly router: string;
  readonly kind: SpaceKind;
  readonly externalIp: string;
  readonly pools: readonly PoolEntry[];
}

/** Which spaces and pools there are: a few rows per router, read once per transaction. */
export class SpaceCatalogue {
  readonly #spaces: readonly SpaceEntry[];

  constructor(spaces: readonly SpaceEntry[]) {
    this.#spaces = spaces;
  }

  static async read(sql: Sql, routers: readonly string[]): Promise<SpaceCatalogue> {
    const rows = await sql.query<{
      id: number;
      router: string;
      kind: SpaceKind;
      external_ip: string;
      pools: PoolEntry[] | null;
    }>(
      `SELECT s.id, s.router, s.kind, s.external_ip, (
         SELECT json_agg(json_build_object('id', g.id, 'name', CASE WHEN g.pool_id IS NULL THEN 'rest' ELSE 'default' END, 'ranges', (
           SELECT coalesce(json_agg(json_build_object('first', lower(r.span), 'last', upper(r.span) - 1)), '[]'::json)
           FROM segment_ranges r WHERE r.segment_id = g.id)))
         FROM segments g WHERE g.space_id = s.id) AS pools
       FROM spaces s WHERE s.router = ANY($1)`,
      [routers],
    );
    return new SpaceCatalogue(
      rows.map(({ id, router, kind, external_ip, pools }) => ({
        id,
        router,
        kind,
        externalIp: external_ip,
        pools: pools ?? [],
      })),
    );
  }

  find(router: string, kind: SpaceKind, externalIp: string): SpaceEntry | undefined {
    const on = kind === 'tcp' || kind === 'udp' ? externalIp : '';
    return this.#spaces.find((space) => space.router === router && space.kind === kind && space.externalIp === on);
  }

  byId(id: number): SpaceEntry | undefined {
    return this.#spaces.find((space) => space.id === id);
  }

  /** The parts of `held` that are some pool's, with the pool. */
  partsOf(spaceId: number, held: NumberRange): { readonly poolId: number; readonly part: NumberRange }[] {
    const pools = this.byId(spaceId)?.pools ?? [];
    return pools.flatMap((pool) =>
      pool.ranges.flatMap((range) => {
        const part = overlapOf(range, held);
        return part ? [{ poolId: pool.id, part }] : [];
      }),
    );
  }
}
