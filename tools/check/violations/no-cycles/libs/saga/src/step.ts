import { run } from './run.ts';

export const step = () => run();
