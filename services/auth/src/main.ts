import { runService } from '@berth/service-kit';
import { readConfig } from './config.ts';
import { startAuth } from './start-auth.ts';

await runService('auth', readConfig, startAuth);
