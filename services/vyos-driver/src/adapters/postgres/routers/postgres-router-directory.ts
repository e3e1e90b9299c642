import type { RouterStatusSchema } from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ForeignHolding } from '../../../domain/inventory/inventory.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';
import { type StatusRow, statusColumns, statusOfRow } from '../router-messages.ts';

/** A page of a router's inventory. */
export interface HoldingsPage {
  readonly inventory: bigint;
  readonly holdings: readonly ForeignHolding[];
  /** The position of the next page's first holding; undefined on the last page. */
  readonly next: number | undefined;
}

const pageSize = 2_000;

/** What any replica can tell of all routers, from the tables alone. */
export class PostgresRouterDirectory {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Removed routers too, as such. */
  async list(): Promise<readonly MessageInitShape<typeof RouterStatusSchema>[]> {
    const rows = await this.#database.query<StatusRow>(`SELECT ${statusColumns} FROM routers ORDER BY name`);
    return rows.map(statusOfRow);
  }

  /** From `position` on. `inventory` 0 means the newest; another number than the newest is a conflict, so that pages never mix. */
  async holdings(router: string, inventory: bigint, position: number): Promise<HoldingsPage> {
    const rows = await this.#database.query<{ inventory: string; position: number | null; holding: ForeignHolding }>(
      `SELECT routers.inventory, held.position, held.holding FROM routers
       LEFT JOIN foreign_holdings AS held
         ON held.router = routers.name AND held.inventory = routers.inventory AND held.position >= $2
       WHERE routers.name = $1 AND routers.removed_at IS NULL ORDER BY held.position LIMIT $3`,
      [router, position, pageSize + 1],
    );
    const newest = rows[0]?.inventory;
    if (newest === undefined) {
      throw routerUnknown(router);
    }
    if (inventory !== 0n && inventory !== BigInt(newest)) {
      throw new DomainError(
        'conflict',
        'INVENTORY_CHANGED',
        `The inventory of router ${router} is number ${newest} now: start again.`,
      );
    }
    const page = rows.filter((row) => row.position !== null);
    return {
      inventory: BigInt(newest),
      holdings: page.slice(0, pageSize).map((row) => row.holding),
      next: page[pageSize]?.position ?? undefined,
    };
  }
}
