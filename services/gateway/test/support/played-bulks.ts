import {
  type BulkItem,
  type BulkItemResultSchema,
  BulkMode,
  type BulkSchema,
  OperationKind,
  OperationState,
  type StartBulkRequest,
  VmService,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { anOperation, aVm, type GatewayUnderTest } from './gateway-under-test.ts';

type BulkInit = MessageInitShape<typeof BulkSchema>;
type ResultInit = MessageInitShape<typeof BulkItemResultSchema>;

const { method } = VmService;

/** The allocator's part of bulks, played: keeps what is staged, and ends what is started at once unless told otherwise. */
export class PlayedBulks {
  readonly staged = new Map<string, BulkItem[]>();
  readonly messages: { readonly items: number; readonly bytes: number }[] = [];
  readonly started: StartBulkRequest[] = [];
  /** False: what is started runs on. */
  ends = true;
  readonly #bulks = new Map<string, BulkInit>();

  constructor(gateway: GatewayUnderTest) {
    gateway.answer(method.stageBulk, ({ context, offset, items }) => {
      const kept = this.staged.get(context?.operationId ?? '') ?? [];
      this.staged.set(context?.operationId ?? '', kept);
      kept.splice(offset, items.length, ...items);
      this.messages.push({ items: items.length, bytes: JSON.stringify(items).length });
      return {};
    });
    gateway.answer(method.startBulk, (message) => {
      this.started.push(message);
      return { bulk: this.#start(message) };
    });
    gateway.answer(method.getBulk, ({ bulkId }) => ({ bulk: this.get(bulkId) }));
    gateway.answer(method.getOperation, ({ operationId: id }) => ({
      operation: anOperation({ id, kind: OperationKind.BULK, state: this.get(id).state ?? OperationState.RUNNING }),
    }));
    gateway.answer(method.listBulkItems, ({ bulkId, offset, pageSize }) => {
      const items = this.staged.get(bulkId) ?? [];
      const size = Math.min(pageSize || 500, 500);
      const results = items.slice(offset, offset + size).map((item, place) => resultOf(item, offset + place));
      return { results, more: items.length > offset + size };
    });
  }

  get(id: string): BulkInit {
    const bulk = this.#bulks.get(id);
    if (bulk === undefined) throw new DomainError('not_found', 'BULK_NOT_FOUND', 'There is no such bulk.');
    return bulk;
  }

  put(bulk: BulkInit): void {
    this.#bulks.set(bulk.id ?? '', bulk);
  }

  /** The items of the newest bulk. */
  get items(): BulkItem[] {
    return this.staged.get([...this.staged.keys()].at(-1) ?? '') ?? [];
  }

  #start({ context, items, mode }: StartBulkRequest): BulkInit {
    const id = context?.operationId ?? '';
    const failed = (this.staged.get(id) ?? []).filter(({ item }) => item.case === 'refused').length;
    const ended = failed > 0 ? OperationState.FAILED : OperationState.SUCCEEDED;
    const counts = this.ends ? { succeeded: items - failed, failed } : {};
    const state = this.ends ? ended : OperationState.RUNNING;
    this.put({ id, items, mode, state, ...counts, createdAt: timestampNow(), updatedAt: timestampNow() });
    return this.get(id);
  }
}

/** What becomes of an item whose bulk ends well. */
function resultOf({ item }: BulkItem, index: number): ResultInit {
  switch (item.case) {
    case 'provision':
      return { index, machineId: item.value.vmName, operation: anOperation({ vm: aVm({ name: item.value.vmName }) }) };
    case 'decommission':
      return {
        index,
        machineId: item.value.machineId,
        operation: anOperation({ kind: OperationKind.DECOMMISSION_VM }),
      };
    case 'refused':
      return { index, error: item.value };
    default:
      throw new Error('an item says nothing');
  }
}

export const atomicFailed = (id: string, error: BulkInit['error']): BulkInit => ({
  ...{ id, items: 2, failed: 2, mode: BulkMode.ATOMIC, state: OperationState.FAILED },
  ...(error && { error }),
});
