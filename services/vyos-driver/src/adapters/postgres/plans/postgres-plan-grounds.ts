import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { type CostModel, initialCostModel } from '../../../domain/batches/cost-model.ts';
import type { Fragment } from '../../../domain/changes/fragment.ts';
import { dialectFor } from '../../../domain/dialects/dialect.ts';
import type { ForeignHolding } from '../../../domain/inventory/inventory.ts';
import type { PlanGround, WishedChange } from '../../../domain/plans/foresee-changes.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';

type Groups = 'all' | readonly string[];

/** What plans stand on, as any replica finds it in the tables. */
export class PostgresPlanGrounds {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** All that a plan of these changes needs to know. `groups`: whose resources may be asked for. */
  async read(router: string, wishes: readonly WishedChange[], groups: Groups): Promise<PlanGround> {
    const [row] = await this.#database.query<{
      version: string;
      cost_model: CostModel | null;
      owned: number;
      taken: number;
    }>(
      `SELECT version, cost_model,
         (SELECT count(*)::integer FROM owned_paths WHERE router = $1 AND released_at IS NULL) AS owned,
         (SELECT count(*)::integer FROM foreign_holdings AS held WHERE held.router = $1 AND held.inventory = routers.inventory
            AND holding ->> 'kind' IN ('rule_number', 'mapping_name')) AS taken
       FROM routers WHERE name = $1 AND removed_at IS NULL`,
      [router],
    );
    if (row === undefined) {
      throw routerUnknown(router);
    }
    const dialect = dialectFor(row.version);
    if (dialect === undefined) {
      const text = `The router ${router} was not read yet, so nothing can be planned on it.`;
      throw new DomainError('unavailable', 'ROUTER_UNAVAILABLE', text, { retryAfterSeconds: 5 });
    }
    const keys = wishes.flatMap(({ desired }) => (desired ? dialect.ownedPaths(desired) : []));
    const ids = wishes.map(({ resourceId }) => resourceId);
    const [standing, owners, holdings] = await Promise.all([
      this.#standing(router, ids, groups),
      this.#owners(router, keys),
      this.#holdings(router),
    ]);
    const costModel = row.cost_model ?? initialCostModel;
    return { version: row.version, dialect, costModel, size: row.owned + row.taken, standing, owners, holdings };
  }

  /** The newest revision that was accepted: what is applied, unless a newer one waits. */
  async #standing(router: string, ids: readonly string[], groups: Groups): Promise<ReadonlyMap<string, Fragment>> {
    const rows = await this.#database.query<{ resource_id: string; owner_group: string; fragment: Fragment | null }>(
      `SELECT resource_id, owner_group, CASE WHEN waiting THEN wanted ELSE applied END AS fragment FROM resources
       WHERE router = $1 AND resource_id = ANY($2)`,
      [router, ids],
    );
    if (groups !== 'all' && rows.some(({ owner_group }) => !groups.includes(owner_group))) {
      throw new DomainError('forbidden', 'PERMISSION_DENIED', 'Some of these resources belong to another group.');
    }
    return new Map(rows.flatMap(({ resource_id, fragment }) => (fragment ? [[resource_id, fragment] as const] : [])));
  }

  async #owners(router: string, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#database.query<{ path: string; resource_id: string }>(
      'SELECT path, resource_id FROM owned_paths WHERE router = $1 AND released_at IS NULL AND path = ANY($2)',
      [router, keys],
    );
    return new Map(rows.map(({ path, resource_id }) => [path, resource_id]));
  }

  async #holdings(router: string): Promise<readonly ForeignHolding[]> {
    const rows = await this.#database.query<{ holding: ForeignHolding }>(
      `SELECT holding FROM foreign_holdings AS held JOIN routers ON routers.name = held.router AND routers.inventory = held.inventory
       WHERE held.router = $1 ORDER BY position`,
      [router],
    );
    return rows.map(({ holding }) => holding);
  }
}
