import {
  type Bulk,
  type BulkItem,
  type BulkItemResult,
  type BulkMode,
  type Operation,
  OperationKind,
  type OperationReply,
  OperationReplySchema,
  OperationSchema,
  type Principal,
  VmService,
} from '@berth/contracts';
import { askPatiently, DomainError } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import { create } from '@bufbuild/protobuf';
import type { ContextInit } from '../http/answer-command.ts';

const { method } = VmService;

/** Bulks, as the allocator keeps them. */
export interface BulkService {
  /** Stores items. Repeated after silence. */
  stage(context: ContextInit, offset: number, items: BulkItem[]): Promise<void>;
  /** Accepts the bulk; answers with the operation that it is. */
  start(asked: { context: ContextInit; items: number; mode: BulkMode }, timeoutMs: number): Promise<OperationReply>;
  get(principal: Principal, bulkId: string): Promise<Bulk>;
  /** What became of items from a place on, in their order. */
  items(
    principal: Principal,
    page: { bulkId: string; offset: number; size: number },
  ): Promise<{ readonly results: readonly BulkItemResult[]; readonly more: boolean }>;
}

export const bulkService = (bus: Bus, wait: { answerTimeoutMs: number; nobodyThereMs: number }): BulkService => {
  const timeoutMs = wait.answerTimeoutMs;
  return {
    async stage(context, offset, items) {
      const send = () => request(bus, method.stageBulk, { context, offset, items }, { timeoutMs });
      await askPatiently(send, wait.nobodyThereMs);
    },
    async start(asked, answerTimeoutMs) {
      const { bulk, replayed } = await request(bus, method.startBulk, asked, { timeoutMs: answerTimeoutMs });
      return create(OperationReplySchema, { operation: operationOf(present(bulk)), replayed });
    },
    async get(principal, bulkId) {
      const ask = () => request(bus, method.getBulk, { principal, bulkId }, { timeoutMs });
      return present((await askPatiently(ask, wait.nobodyThereMs)).bulk);
    },
    items(principal, { bulkId, offset, size }) {
      const message = { principal, bulkId, offset, pageSize: size };
      const ask = () => request(bus, method.listBulkItems, message, { timeoutMs });
      return askPatiently(ask, wait.nobodyThereMs);
    },
  };
};

export function present(bulk: Bulk | undefined): Bulk {
  if (bulk === undefined) throw new DomainError('bug', 'INTERNAL', 'An answer came without its bulk.');
  return bulk;
}

/** A bulk as the operation that it is to those who wait. */
export function operationOf({ id, state, error, createdAt, updatedAt, principalId }: Bulk): Operation {
  const times = { ...(createdAt && { createdAt }), ...(updatedAt && { updatedAt }) };
  return create(OperationSchema, {
    ...{ id, state, principalId, kind: OperationKind.BULK, bulkId: id, ...times },
    ...(error && { error }),
  });
}
