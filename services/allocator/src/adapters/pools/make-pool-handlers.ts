import { randomUUID } from 'node:crypto';
import {
  AllocationSchema,
  DeletePoolResponseSchema,
  PoolChangeKind,
  type Pool as PoolMessage,
  PoolSchema,
  ReleaseResponseSchema,
  ReservationSchema,
  WatchPoolsResponseSchema,
} from '@berth/contracts';
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import { durationMs } from '@bufbuild/protobuf/wkt';
import type { KnownGroups } from '../../app/known-groups.ts';
import { createPool, deletePool, setPoolState, updatePool } from '../../app/pools/change-pools.ts';
import { explain, type ValueReader } from '../../app/pools/explain-value.ts';
import { type AllocationReader, type HeldRun, listAllocations } from '../../app/pools/list-allocations.ts';
import type { DescribedPool, PoolBooks, PoolLedger } from '../../app/pools/pool-ports.ts';
import { getPool, listPools, type PoolReader } from '../../app/pools/read-pools.ts';
import { releaseReservation, reserveValues } from '../../app/pools/reserve-values.ts';
import { type ChangeFeed, type Heard, watchPools } from '../../app/pools/watch-pools.ts';
import { rehearsePools, writePools } from '../../app/pools/write-pools.ts';
import { type Pool, resourceName } from '../../domain/pools/pool.ts';
import { invalidFields } from '../../domain/pools/validate-pool.ts';
import { fitting } from '../fitting.ts';
import { maskPaths, mergePool } from './merge-pool.ts';
import type { PoolCall, PoolHandlers } from './pool-handlers.ts';
import { toAllocationMessage, toHolders } from './to-allocation-message.ts';
import { toPoolDraft, toProtocol } from './to-pool-draft.ts';
import { toDescribedMessage, toPoolMessage, toReservationMessage } from './to-pool-messages.ts';

export interface PoolHandlerDeps {
  readonly ledger: PoolLedger;
  readonly reader: PoolReader;
  readonly allocations: AllocationReader;
  readonly values: ValueReader;
  readonly feed: ChangeFeed<Uint8Array>;
  /** The router of pools and values that name none. */
  readonly defaultRouter: string;
  readonly groups: KnownGroups;
}

/** PoolService as use cases, whichever way a call comes. */
export function makePoolHandlers(deps: PoolHandlerDeps): PoolHandlers {
  const { ledger, reader, defaultRouter, groups } = deps;

  /** Answers the same to the same Idempotency-Key. */
  const write = <Desc extends DescMessage>(
    call: PoolCall,
    answer: Desc,
    work: (books: PoolBooks) => Promise<MessageInitShape<Desc>>,
  ): Promise<MessageShape<Desc>> => {
    const form = {
      encode: (message: MessageShape<Desc>) => toBinary(answer, message),
      decode: (bytes: Uint8Array) => fromBinary(answer, bytes),
    };
    return writePools(ledger, call, form, async (books) => create(answer, await work(books)));
  };

  const writePool = (call: PoolCall, isRehearsed: boolean, work: (books: PoolBooks) => Promise<DescribedPool>) => {
    const told = async (books: PoolBooks) => toDescribedMessage(await work(books));
    return isRehearsed ? rehearsePools(ledger, call, told) : write(call, PoolSchema, told);
  };

  return {
    async createPool({ pool, validateOnly }, call) {
      const wish = { draft: toPoolDraft(present(pool)), defaultRouter, id: randomUUID(), groups };
      await groups.learn(wish.draft.groups);
      return writePool(call, validateOnly, (books) => createPool(books, call, wish));
    },

    async getPool({ name }, { caller }) {
      return toDescribedMessage(await getPool(reader, caller, name));
    },

    async listPools({ pageSize, pageToken, kind, router, group }, { caller }) {
      const page = { size: pageSize, token: pageToken, kind, router, group };
      const { pools, nextToken, revision } = await listPools({ reader, fitting: fittingPools }, caller, page);
      return { pools: pools.map(toDescribedMessage), nextPageToken: nextToken, revision };
    },

    async updatePool({ pool, updateMask, ifVersion, validateOnly }, call) {
      const changes = present(pool);
      const paths = maskPaths(updateMask?.paths, changes);
      const update = {
        name: changes.name,
        ifVersion: Number(ifVersion),
        merge: (stored: DescribedPool['pool']) =>
          toPoolDraft(mergePool(create(PoolSchema, toPoolMessage(stored)), changes, paths)),
        claimsDefault: changes.isDefault && paths.includes('is_default'),
        groups,
      };
      await groups.learn(changes.groups);
      return writePool(call, validateOnly, (books) => updatePool(books, call, update));
    },

    deletePool: ({ name, ifVersion }, call) =>
      write(call, DeletePoolResponseSchema, async (books) => {
        await deletePool(books, call, { name, ifVersion: Number(ifVersion) });
        return {};
      }),

    drainPool: ({ name }, call) => writePool(call, false, (books) => setPoolState(books, call, name, 'draining')),

    undrainPool: ({ name }, call) => writePool(call, false, (books) => setPoolState(books, call, name, 'active')),

    async listAllocations({ pool, pageSize, pageToken, holders }, { caller }) {
      const page = { pool, size: pageSize, token: pageToken, holders: toHolders(holders) };
      const ports = { pools: reader, allocations: deps.allocations, fitting: fittingRuns };
      const found = await listAllocations(ports, caller, page);
      const allocations = found.runs.map((run) => toAllocationMessage(run, resourceName(found.pool)));
      return { allocations, nextPageToken: found.nextToken };
    },

    async explainValue({ router, value, externalIp }, { caller }) {
      const question = {
        ...{ router, externalIp },
        address: value.case === 'address' ? value.value : undefined,
        port: value.case === 'port' ? value.value : undefined,
        ruleNumber: value.case === 'ruleNumber' ? value.value : undefined,
      };
      const { holders, ...answer } = await explain({ values: deps.values, defaultRouter }, caller, question);
      return { ...answer, holders: holders.map((run) => toAllocationMessage(run, answer.pool)) };
    },

    reserve({ pool, first, last, count, protocols, note, lifetime }, call) {
      const lifetimeMs = lifetime && durationMs(lifetime);
      const draft = { first, last, count, protocols: protocols.map(toProtocol), note, lifetimeMs };
      const wish = { id: randomUUID(), pool, draft };
      return write(call, ReservationSchema, async (books) =>
        toReservationMessage(await reserveValues(books, call, wish)),
      );
    },

    release: ({ reservationId }, call) =>
      write(call, ReleaseResponseSchema, async (books) => {
        await releaseReservation(books, call, reservationId);
        return {};
      }),

    async *watchPools(wish, { caller }, signal) {
      for await (const heard of watchPools(deps.feed, caller, wish, signal)) yield toWatchMessage(heard);
    },
  };
}

const fittingPools = (pools: readonly DescribedPool[]): number => fitting(PoolSchema, pools.map(toDescribedMessage));

const fittingRuns = (runs: readonly HeldRun[], pool: Pool): number => {
  const name = resourceName(pool);
  return fitting(
    AllocationSchema,
    runs.map((run) => toAllocationMessage(run, name)),
  );
};

function present(pool: PoolMessage | undefined): PoolMessage {
  if (pool === undefined) throw invalidFields([{ field: 'pool', message: 'is missing' }]);
  return pool;
}

function toWatchMessage(heard: Heard<Uint8Array>): MessageInitShape<typeof WatchPoolsResponseSchema> {
  if (heard.heard === 'change') return fromBinary(WatchPoolsResponseSchema, heard.told);
  const change = heard.heard === 'begin' ? PoolChangeKind.BEGIN : PoolChangeKind.RESET;
  return { revision: heard.revision, change };
}
