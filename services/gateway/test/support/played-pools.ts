import { type CommandContext, type Pool, PoolSchema, PoolService, PoolState, PoolUseSchema } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import {
  clone,
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { GatewayUnderTest } from './gateway-under-test.ts';

const { method } = PoolService;
const made = timestampFromDate(new Date('2026-01-01T12:00:00Z'));

/** A request that the allocator got. */
export interface Asked {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  readonly message: any;
  readonly context: CommandContext | undefined;
}

/** The allocator's side of pools: keeps what is made, and says what it was asked. */
export interface PlayedPools {
  readonly pools: Map<string, Pool>;
  readonly asked: Asked[];
  /** The last request. */
  readonly last: () => Asked;
}

/** A pool as the allocator tells of it. */
export const aPool = (pool: Pool): Pool => ({
  ...pool,
  router: pool.router || 'default',
  state: pool.state || PoolState.ACTIVE,
  version: 1n,
  use: pool.use ?? create(PoolUseSchema, { size: 10n, free: 8n, held: 2n, used: 0.2 }),
  createdAt: made,
  updatedAt: made,
});

/** Plays the allocator: pools are kept and found again, the rest is answered by heart. */
export async function playPools(gateway: GatewayUnderTest): Promise<PlayedPools> {
  const pools = new Map<string, Pool>();
  const asked: Asked[] = [];
  const noted = <I extends DescMessage, O extends DescMessage>(
    one: DescMethodUnary<I, O>,
    handle: (message: MessageShape<I>) => MessageInitShape<O>,
  ) =>
    gateway.answer(one, (message, context) => {
      asked.push({ name: one.name, message, context });
      return handle(message);
    });
  const existing = (name: string): Pool => {
    const pool = pools.get(name);
    if (pool === undefined) throw new DomainError('not_found', 'POOL_NOT_FOUND', 'There is no such pool.');
    return pool;
  };
  const inState = (name: string, state: PoolState): Pool => {
    const pool = Object.assign(clone(PoolSchema, existing(name)), { state, version: existing(name).version + 1n });
    pools.set(name, pool);
    return pool;
  };
  noted(method.createPool, ({ pool, validateOnly }) => {
    if (pool === undefined) throw new DomainError('invalid', 'INVALID_REQUEST', 'No pool.');
    if (pools.has(pool.name)) throw new DomainError('conflict', 'POOL_NAME_TAKEN', 'There is one of this name.');
    const one = aPool(pool);
    if (!validateOnly) pools.set(pool.name, one);
    return one;
  });
  noted(method.getPool, ({ name }) => existing(name));
  noted(method.updatePool, ({ pool, ifVersion }) => {
    const before = existing(pool?.name ?? '');
    if (ifVersion !== 0n && ifVersion !== before.version)
      throw new DomainError('precondition_failed', 'VERSION_MISMATCH', 'It has changed.');
    return { ...before, version: before.version + 1n };
  });
  noted(method.deletePool, ({ name }) => {
    existing(name);
    pools.delete(name);
    return {};
  });
  noted(method.drainPool, ({ name }) => inState(name, PoolState.DRAINING));
  noted(method.undrainPool, ({ name }) => inState(name, PoolState.ACTIVE));
  noted(method.listPools, ({ kind }) => ({
    pools: [...pools.values()].filter(({ name }) => name.startsWith(kind)),
    revision: '1',
  }));
  noted(method.listAllocations, () => ({ allocations: [] }));
  noted(method.reserve, ({ pool, first, last, protocols, note }) => ({
    id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
    pool,
    first: first || '1',
    last,
    protocols,
    note,
    createdBy: 'ci',
    createdAt: made,
  }));
  noted(method.release, () => ({}));
  noted(method.explainValue, () => ({ free: true, available: true, reason: 'Nobody holds it.' }));
  await gateway.bus.connection.flush();
  return {
    pools,
    asked,
    last: () => {
      const one = asked.at(-1);
      if (one === undefined) throw new Error('nothing was asked');
      return one;
    },
  };
}
