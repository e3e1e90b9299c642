import { readFileSync } from 'node:fs';

export const pools = () => readFileSync('pools.json', 'utf8');
