import { step } from './step.ts';

export const run = (): void => step();
