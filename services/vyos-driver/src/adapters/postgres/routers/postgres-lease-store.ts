import type { Database } from '@berth/database';
import type { LeaseStore } from '../../../app/lease.ts';

/**
 * Leases in the `routers` rows, timed by the database's clock alone. Whoever took a router's lease without working it since (a release, an
 * end of its time) leaves the moment behind, from which the patience of others counts.
 */
export class PostgresLeaseStore implements LeaseStore {
  readonly #database: Database;
  readonly #connection: bigint | undefined;
  readonly #alsoDisabled: boolean;

  /**
   * `connection`: leases are taken only while the router is reached by the settings of this number; undefined: by whatever settings.
   * `alsoDisabled`: also of routers that are switched off.
   */
  constructor(database: Database, options: { readonly connection?: bigint; readonly alsoDisabled?: boolean } = {}) {
    this.#database = database;
    this.#connection = options.connection;
    this.#alsoDisabled = options.alsoDisabled ?? false;
  }

  async acquire(router: string, holder: string, ttlMs: number, patienceMs = 0): Promise<bigint | undefined> {
    const [row] = await this.#database.query<{ lease_epoch: string }>(
      `UPDATE routers SET lease_holder = $2, lease_epoch = lease_epoch + 1,
         lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE name = $1 AND (lease_until IS NULL OR lease_until + $4 * interval '1 millisecond' < clock_timestamp())
         AND removed_at IS NULL AND (enabled OR $5) AND ($6::bigint IS NULL OR connection = $6)
         AND (borrowed_until IS NULL OR borrowed_until < clock_timestamp() OR borrowed_by = $2)
       RETURNING lease_epoch`,
      [router, holder, ttlMs, patienceMs, this.#alsoDisabled, this.#connection ?? null],
    );
    return row && BigInt(row.lease_epoch);
  }

  async renew(router: string, epoch: bigint, ttlMs: number): Promise<boolean> {
    const rows = await this.#database.execute(
      `UPDATE routers SET lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE name = $1 AND lease_epoch = $2 AND lease_holder IS NOT NULL`,
      [router, epoch, ttlMs],
    );
    return rows === 1;
  }

  async release(router: string, epoch: bigint): Promise<void> {
    await this.#database.execute(
      'UPDATE routers SET lease_holder = NULL, lease_until = clock_timestamp() WHERE name = $1 AND lease_epoch = $2',
      [router, epoch],
    );
  }
}
