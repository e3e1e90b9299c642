import { Gauge, type Registry } from 'prom-client';
import type { SealedCount } from './postgres/secrets/secret-keeper.ts';

/**
 * How many stored secrets each master key is needed for, read at each scrape. A key of the settings that nothing needs is told as 0 for each
 * table, so that it is seen that it may go.
 */
export function countingSecrets(
  registry: Registry,
  keyIds: readonly string[],
  tables: readonly string[],
  counts: () => Promise<readonly SealedCount[]>,
): void {
  new Gauge({
    name: 'berth_auth_sealed_secrets',
    help: 'Stored secrets that a master key is needed for, by table',
    labelNames: ['master_key', 'table'],
    registers: [registry],
    async collect() {
      const counted = await counts().catch(() => undefined); // away: the readiness check says so
      this.reset();
      if (counted === undefined) return;
      for (const master_key of keyIds) for (const table of tables) this.set({ master_key, table }, 0);
      for (const { masterKeyId, table, secrets } of counted) this.set({ master_key: masterKeyId, table }, secrets);
    },
  });
}
