import { authorOf, type CommandContext, PoolService, requirePermission } from '@berth/contracts';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { PoolCall, PoolHandlers } from '../../pools/pool-handlers.ts';
import { callerOf } from '../to-commands.ts';

const endOfTime = new Date(8.64e15);

/** What travels beside a message. Throws `unauthenticated` when it does not say who asks; what may be asked, the handlers decide. */
function toCall(context: CommandContext | undefined): PoolCall {
  const principal = context?.principal;
  if (!context || !principal) {
    requirePermission(undefined, 'pools:read');
    throw new Error('a missing principal was let through');
  }
  return {
    caller: callerOf(principal),
    author: authorOf(principal, context),
    requestId: context.requestId,
    traceparent: currentTrace()['traceparent'] ?? '',
    key: context.idempotency,
    deadline: context.deadline ? timestampDate(context.deadline) : endOfTime,
  };
}

/** Answers the unary methods of PoolService over NATS. Gives back its stop. */
export function servePools(bus: Bus, handlers: PoolHandlers): () => Promise<void> {
  const { method } = PoolService;
  const stops = [
    serve(bus, method.createPool, async (message, context) => handlers.createPool(message, toCall(context))),
    serve(bus, method.getPool, async (message, context) => handlers.getPool(message, toCall(context))),
    serve(bus, method.listPools, async (message, context) => handlers.listPools(message, toCall(context))),
    serve(bus, method.updatePool, async (message, context) => handlers.updatePool(message, toCall(context))),
    serve(bus, method.deletePool, async (message, context) => handlers.deletePool(message, toCall(context))),
    serve(bus, method.drainPool, async (message, context) => handlers.drainPool(message, toCall(context))),
    serve(bus, method.undrainPool, async (message, context) => handlers.undrainPool(message, toCall(context))),
    serve(bus, method.listAllocations, async (message, context) => handlers.listAllocations(message, toCall(context))),
    serve(bus, method.explainValue, async (message, context) => handlers.explainValue(message, toCall(context))),
    serve(bus, method.reserve, async (message, context) => handlers.reserve(message, toCall(context))),
    serve(bus, method.release, async (message, context) => handlers.release(message, toCall(context))),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}
