import type { Logger } from '@berth/service-kit';
import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { repeatedly } from '../repeatedly.ts';

const checkEveryMs = 2_000;

/** Serves grpc.health.v1.Health for the whole server and each of `services`, by whether `ping` holds. Gives back its stop. */
export async function serveHealth(
  server: Server,
  services: readonly string[],
  deps: { readonly log: Logger; readonly ping: () => Promise<void> },
): Promise<() => Promise<void>> {
  const health = new HealthImplementation();
  health.addToServer(server);
  const tell = (status: 'SERVING' | 'NOT_SERVING') => {
    for (const name of ['', ...services]) health.setStatus(name, status);
  };
  const check = async () => {
    try {
      await deps.ping();
      tell('SERVING');
    } catch (error) {
      tell('NOT_SERVING');
      throw error;
    }
  };
  await check();
  const stopChecking = repeatedly(checkEveryMs, deps.log, 'looking after the database', check);
  return async () => {
    await stopChecking();
    tell('NOT_SERVING');
  };
}
