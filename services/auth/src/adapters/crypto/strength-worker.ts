import { parentPort } from 'node:worker_threads';
import type { StrengthAnswer, StrengthQuestion } from './strength-thread.ts';
import { zxcvbnStrength } from './zxcvbn-strength.ts';

// The thread of `StrengthThread`: answers its questions one after the other.

parentPort?.on('message', ({ id, password, inputs }: StrengthQuestion) => {
  parentPort?.postMessage({ id, strength: zxcvbnStrength(password, inputs) } satisfies StrengthAnswer);
});
