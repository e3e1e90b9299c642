import { runService } from '@berth/service-kit';
import { readConfig } from './config.ts';
import { startAllocator } from './start-allocator.ts';

await runService('allocator', readConfig, startAllocator);
