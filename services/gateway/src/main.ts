import { runService } from '@berth/service-kit';
import { readConfig } from './config.ts';
import { startGateway } from './start-gateway.ts';

await runService('gateway', readConfig, async (config, context) => {
  const { url } = await startGateway(config, context);
  context.announce({ api: url });
});
