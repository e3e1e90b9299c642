import { PoolService } from '@berth/contracts';
import type { PoolHandlers } from '../pools/pool-handlers.ts';
import { type ServedMethod, serverStreaming, unary } from './served-method.ts';

/** PoolService over gRPC: a method that is missing here, or does not say what it needs, does not compile. */
export function poolMethods(handlers: PoolHandlers): readonly ServedMethod[] {
  const { method } = PoolService;
  const served: Record<keyof typeof method, ServedMethod> = {
    createPool: unary(method.createPool, 'pools:write', handlers.createPool),
    getPool: unary(method.getPool, 'pools:read', handlers.getPool),
    listPools: unary(method.listPools, 'pools:read', handlers.listPools),
    updatePool: unary(method.updatePool, 'pools:write', handlers.updatePool),
    deletePool: unary(method.deletePool, 'pools:write', handlers.deletePool),
    drainPool: unary(method.drainPool, 'pools:write', handlers.drainPool),
    undrainPool: unary(method.undrainPool, 'pools:write', handlers.undrainPool),
    listAllocations: unary(method.listAllocations, 'pools:read', handlers.listAllocations),
    explainValue: unary(method.explainValue, 'pools:read', handlers.explainValue),
    reserve: unary(method.reserve, 'pools:write', handlers.reserve),
    release: unary(method.release, 'pools:write', handlers.release),
    watchPools: serverStreaming(method.watchPools, 'pools:read', (message, call, signal) =>
      handlers.watchPools(message, call, signal),
    ),
  };
  return Object.values(served);
}
