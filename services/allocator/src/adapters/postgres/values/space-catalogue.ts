import type { Sql } from '@berth/database';
import type { SpaceName } from '../../../domain/pools/pool-segments.ts';
import type { SpaceKind } from '../../../domain/values/choose-values.ts';

interface SegmentEntry {
  readonly id: number;
  /** Null: what is of no pool. */
  readonly poolId: string | null;
}

interface SpaceEntry extends SpaceName {
  readonly id: number;
  readonly router: string;
  readonly segments: readonly SegmentEntry[];
}

/** Which spaces and segments there are: a few rows per router, read once per transaction. Not their ranges, which may be many. */
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
      segments: SegmentEntry[] | null;
    }>(
      `SELECT s.id, s.router, s.kind, s.external_ip,
         (SELECT json_agg(json_build_object('id', g.id, 'poolId', g.pool_id)) FROM segments g WHERE g.space_id = s.id) AS segments
       FROM spaces s WHERE s.router = ANY($1)`,
      [routers],
    );
    return new SpaceCatalogue(
      rows.map(({ id, router, kind, external_ip, segments }) => ({
        id,
        router,
        kind,
        externalIp: external_ip,
        segments: segments ?? [],
      })),
    );
  }

  get spaces(): readonly SpaceEntry[] {
    return this.#spaces;
  }

  find(router: string, kind: SpaceKind, externalIp: string): SpaceEntry | undefined {
    const on = kind === 'tcp' || kind === 'udp' ? externalIp : '';
    return this.#spaces.find((space) => space.router === router && space.kind === kind && space.externalIp === on);
  }
}
