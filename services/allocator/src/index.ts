export { readConfig } from './config.ts';
export { startAllocator } from './start-allocator.ts';
