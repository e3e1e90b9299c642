import { runService } from '@berth/service-kit';
import { readConfig } from './config.ts';
import { startDriver } from './start-driver.ts';

await runService('vyos-driver', readConfig, async (config, { log, metrics, onStop, readyWhen, fail }) => {
  const driver = await startDriver(config, { log, metrics, fail });
  onStop(() => driver.stop());
  readyWhen('database and bus', () => driver.ping());
});
