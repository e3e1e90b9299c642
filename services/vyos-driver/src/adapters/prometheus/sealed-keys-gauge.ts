import { Gauge, type Registry } from 'prom-client';

/**
 * How many routers' API keys each master key is needed for, read at each scrape. A key of the settings that nothing needs is told as 0: it may
 * go. Auth tells the same of its own secrets.
 */
export function sealedKeysGauge(
  registry: Registry,
  masterKeyIds: readonly string[],
  counts: () => Promise<ReadonlyMap<string, number>>,
): void {
  new Gauge({
    name: 'berth_driver_sealed_secrets',
    help: 'Stored secrets that a master key is needed for, by table',
    labelNames: ['master_key', 'table'],
    registers: [registry],
    async collect() {
      const counted = await counts().catch(() => undefined); // away: the readiness check says so
      this.reset();
      if (counted === undefined) return;
      for (const master_key of masterKeyIds) this.set({ master_key, table: 'routers' }, 0);
      for (const [master_key, keys] of counted) this.set({ master_key, table: 'routers' }, keys);
    },
  });
}
