import type { Database } from '@berth/database';
import type { LeaseStore } from '../../app/lease.ts';

/** Leases in the `routers` rows, timed by the database's clock alone. */
export class PostgresLeaseStore implements LeaseStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async acquire(router: string, holder: string, ttlMs: number): Promise<bigint | undefined> {
    const [row] = await this.#database.query<{ lease_epoch: string }>(
      `UPDATE routers SET lease_holder = $2, lease_epoch = lease_epoch + 1,
         lease_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE name = $1 AND (lease_until IS NULL OR lease_until < clock_timestamp())
       RETURNING lease_epoch`,
      [router, holder, ttlMs],
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
      'UPDATE routers SET lease_holder = NULL, lease_until = NULL WHERE name = $1 AND lease_epoch = $2',
      [router, epoch],
    );
  }
}
