import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { berthItself, type CommandContextSchema, PoolService, type Principal, streams } from '@berth/contracts';
import { connectBus, Outbox, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { changeForms } from '../../src/adapters/pools/pool-announcements.ts';
import type { PoolCall, PoolHandlers } from '../../src/adapters/pools/pool-handlers.ts';
import { postgresPoolLedger } from '../../src/adapters/postgres/pools/pool-ledger.ts';
import type { PoolLedger } from '../../src/app/pools/pool-ports.ts';
import { openAllocatorDatabase } from '../../src/start-allocator.ts';
import { startPools } from '../../src/start-pools.ts';
import { aPrincipal, silentLog, type World } from './world.ts';

type ContextInit = MessageInitShape<typeof CommandContextSchema>;
type Methods = typeof PoolService.method;
type UnaryName = Exclude<keyof Methods, 'watchPools'>;

const administrator = aPrincipal({ id: 'key-admin', name: 'admin', permissions: ['*'] });

/** Who administers pools in tests, over the bus. */
export type PoolSide = {
  readonly [Name in UnaryName]: (
    message: MessageInitShape<Methods[Name]['input']>,
    context?: Partial<Exclude<ContextInit, { $typeName: string }>>,
  ) => Promise<MessageShape<Methods[Name]['output']>>;
};

/** Asks the world's allocators about pools, as an administrator unless the context says otherwise. */
export function poolSide(world: World): PoolSide {
  const ask =
    <I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>) =>
    (message: MessageInitShape<I>, context: Partial<Exclude<ContextInit, { $typeName: string }>> = {}) =>
      request(world.bus, method, message, {
        timeoutMs: 20_000,
        context: {
          operationId: randomUUID(),
          deadline: timestampFromMs(Date.now() + 20_000),
          principal: administrator,
          requestId: 'req-1',
          ...context,
        },
      });
  const { method } = PoolService;
  return {
    createPool: ask(method.createPool),
    getPool: ask(method.getPool),
    listPools: ask(method.listPools),
    updatePool: ask(method.updatePool),
    deletePool: ask(method.deletePool),
    drainPool: ask(method.drainPool),
    undrainPool: ask(method.undrainPool),
    listAllocations: ask(method.listAllocations),
    explainValue: ask(method.explainValue),
    reserve: ask(method.reserve),
    release: ask(method.release),
  };
}

/** A principal of a group, which may do everything. */
export const ofGroup = (group: string): Pick<ContextInit & object, 'principal'> => ({
  principal: aPrincipal({ id: group, group, permissions: ['*'] } satisfies Partial<Principal>),
});

const anyGroup = { has: () => true, learn: async () => {} };

/** The use cases of one more replica, as its own ways in call them. What `onStop` is given ends before it, with the test. */
export async function poolReplica(
  t: TestContext,
  { config }: World,
): Promise<{ handlers: PoolHandlers; ledger: PoolLedger; onStop: (stop: () => unknown) => void }> {
  const stops: (() => unknown)[] = [];
  const onStop = (stop: () => unknown) => void stops.push(stop);
  t.after(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  const log = silentLog();
  const database = await openAllocatorDatabase(config.databaseUrl);
  onStop(() => database.close());
  const bus = await connectBus({ url: config.natsUrl, prefix: config.subjectPrefix, name: 'test-replica', log });
  onStop(() => bus.drain());
  const outbox = new Outbox({ database, bus, streams: [streams.routerChanges, streams.events, streams.audit] });
  const handlers = startPools(
    { database, bus, outbox, defaultRouter: config.defaultRouter, groups: anyGroup },
    { log, onStop },
  );
  await bus.ping();
  return {
    handlers,
    ledger: postgresPoolLedger({ database, outbox, forms: changeForms }),
    onStop,
  };
}

/** Who watches, with a call as a way in would make it. */
export const aCall = (group = ''): PoolCall => ({
  caller: { id: 'key-admin', name: 'admin', permissions: ['*'], group, grants: [], userId: '' },
  author: berthItself,
  requestId: 'req-1',
  traceparent: '',
  key: undefined,
  deadline: new Date(Date.now() + 60_000),
});

/** The settings' pools of the one router are told of first. */
export const settingsChanges = 3;

/** The words of an Idempotency-Key. */
export const keyed = (key: string, body = 'one') => ({
  idempotency: { scope: 'key-admin', key, fingerprint: Buffer.from(body) },
});

/** A pool of ports outside of the settings'. */
export const portPool = (id: string, first: number, last: number, more: object = {}) => ({
  pool: { name: `port-pools/${id}`, values: { case: 'port' as const, value: { ranges: [{ first, last }] } }, ...more },
});

/** A pool of addresses; the settings' pool of tests that need one is `smallPools`. */
export const ipPool = (id: string, first: string, last: string, more: object = {}) => ({
  pool: { name: `ip-pools/${id}`, values: { case: 'ip' as const, value: { ranges: [{ first, last }] } }, ...more },
});

/** Settings whose pools leave room for others. */
export const smallPools = {
  addressRange: { first: 0x0a_00_01_00, last: 0x0a_00_01_3f },
  portRange: { first: 32_000, last: 32_199 },
  ruleRange: { first: 10_000, last: 10_199 },
};

/** Free spans and allocations together name every number of every pool exactly once, and segments hold what pools say. */
export async function assertBooksBalance(world: World): Promise<void> {
  const wrong = await world.query(
    `SELECT g.id, n FROM segments g JOIN segment_ranges r ON r.segment_id = g.id, generate_series(lower(r.span), upper(r.span) - 1) n
     WHERE g.pool_id IS NOT NULL AND (SELECT count(*) FROM free_spans f WHERE f.segment_id = g.id AND n BETWEEN f.first AND f.last)
       + (SELECT count(*) FROM allocations a WHERE a.space_id = g.space_id AND a.held @> n) <> 1 LIMIT 5`,
  );
  if (wrong.length > 0) throw new Error(`books out of balance: ${JSON.stringify(wrong)}`);
}
