import { AuthService, RouterService, RouterState, VmService } from '@berth/contracts';
import { isKind } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { HealthChecks, RouterHealth } from '../../app/read-health.ts';

const timeoutMs = 1_400;
const nobody = '00000000-0000-0000-0000-000000000000';
const principal = { id: nobody, kind: 'service', name: 'gateway', permissions: ['vms:read', 'api-keys:admin'] };

const words: Record<RouterState, RouterHealth> = {
  [RouterState.UNSPECIFIED]: 'unknown',
  [RouterState.OK]: 'ok',
  [RouterState.UNREACHABLE]: 'unreachable',
  [RouterState.BREAKER_OPEN]: 'breaker_open',
  [RouterState.UNKNOWN]: 'unknown',
  [RouterState.BLOCKED]: 'blocked',
  [RouterState.DISABLED]: 'disabled',
  [RouterState.REMOVED]: 'unknown',
};

/** What `/v1/health` looks at. The databases are reached by the cheapest questions that need them. */
export const healthChecks = (bus: Bus): HealthChecks => ({
  bus: () => bus.ping(),
  databases: [
    () => request(bus, VmService.method.listVms, { principal, pageSize: 1 }, { timeoutMs }),
    () => notFound(request(bus, AuthService.method.getApiKey, { principal, id: nobody }, { timeoutMs })),
  ],
  async routers() {
    const { routers } = await request(bus, RouterService.method.listRouters, {}, { timeoutMs });
    const managed = routers.filter(({ state }) => state !== RouterState.REMOVED);
    return Object.fromEntries(managed.map(({ router, state }) => [router, words[state] ?? 'unknown']));
  },
});

async function notFound(asked: Promise<unknown>): Promise<void> {
  try {
    await asked;
  } catch (error) {
    if (!isKind(error, 'not_found')) throw error;
  }
}
