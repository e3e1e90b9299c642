import { isKind } from '@berth/errors';
import { Counter, type Registry } from 'prom-client';

/** Counts verifications by result: `valid`, `invalid` (a stranger or an ended key), `failed` (we could not tell). */
export function countingVerifications<T>(
  registry: Registry,
  verify: (text: string) => Promise<T>,
): (text: string) => Promise<T> {
  const counter = new Counter({
    name: 'berth_auth_verifications_total',
    help: 'API keys asked about, by result',
    labelNames: ['result'],
    registers: [registry],
  });
  return async (text) => {
    try {
      const holder = await verify(text);
      counter.inc({ result: 'valid' });
      return holder;
    } catch (error) {
      counter.inc({ result: isKind(error, 'unauthenticated') ? 'invalid' : 'failed' });
      throw error;
    }
  };
}
