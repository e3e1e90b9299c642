import { pools } from '../adapters/memory/pools.ts';

export const allocateAddress = () => pools.shift();
