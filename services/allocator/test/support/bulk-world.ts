import { randomUUID } from 'node:crypto';
import {
  type Bulk,
  type BulkItemResult,
  type BulkItemSchema,
  BulkMode,
  OperationState,
  type RouterChange,
  VmService,
} from '@berth/contracts';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { aPrincipal, type World } from './world.ts';

type ItemInit = MessageInitShape<typeof BulkItemSchema>;
type ContextInit = Parameters<World['context']>[0];

const { method } = VmService;
const timeoutMs = 20_000;

export const provisionItem = (vmName: string, more: object = {}): ItemInit => ({
  item: { case: 'provision', value: { vmName, ...more } },
});

export const removalItem = (machineId: string): ItemInit => ({ item: { case: 'decommission', value: { machineId } } });

/** Speaks of bulks as the gateway does. */
export class BulkSide {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  async stage(id: string, offset: number, items: ItemInit[], context: ContextInit = {}): Promise<void> {
    const message = { context: this.#world.context({ operationId: id, ...context }), offset, items };
    await request(this.#world.bus, method.stageBulk, message, { timeoutMs });
  }

  start(id: string, items: number, mode: BulkMode, context: ContextInit = {}) {
    const message = { context: this.#world.context({ operationId: id, ...context }), items, mode };
    return request(this.#world.bus, method.startBulk, message, { timeoutMs });
  }

  /** Stages all items, so many `together`, and starts them; gives back the bulk's id. */
  async ask(items: ItemInit[], mode = BulkMode.BEST_EFFORT, together = 200): Promise<string> {
    const id = randomUUID();
    for (let offset = 0; offset < items.length; offset += together) {
      await this.stage(id, offset, items.slice(offset, offset + together));
    }
    await this.start(id, items.length, mode);
    return id;
  }

  async get(bulkId: string, principal = aPrincipal()): Promise<Bulk> {
    const { bulk } = await request(this.#world.bus, method.getBulk, { principal, bulkId }, { timeoutMs });
    if (bulk === undefined) throw new Error('no bulk in the reply');
    return bulk;
  }

  ended(bulkId: string, timeout = 20_000): Promise<Bulk> {
    const check = async () => {
      const bulk = await this.get(bulkId);
      return bulk.state === OperationState.RUNNING ? undefined : bulk;
    };
    return eventually(check, { what: 'the end of the bulk', timeoutMs: timeout });
  }

  /** What became of all items, page by page. */
  async results(bulkId: string, pageSize = 0): Promise<BulkItemResult[]> {
    const results: BulkItemResult[] = [];
    for (let more = true; more; ) {
      const message = { principal: aPrincipal(), bulkId, offset: results.length, pageSize };
      const page = await request(this.#world.bus, method.listBulkItems, message, { timeoutMs });
      results.push(...page.results);
      more = page.more;
    }
    return results;
  }

  /** The codes of all items' failures in their order; '' of those that succeeded. */
  async codes(bulkId: string): Promise<string[]> {
    return (await this.results(bulkId)).map(({ error, operation }) => {
      if (error) return error.code;
      return operation?.state === OperationState.SUCCEEDED ? '' : (operation?.error?.code ?? 'open');
    });
  }
}

/** Settles every change as it comes, in the driver's place, as `judge` says. Gives back its stop. */
export function settleAll(world: World, judge: (change: RouterChange) => boolean = () => true): () => void {
  let seen = 0;
  const settleNew = () => {
    const fresh = world.driver.changes.slice(seen);
    seen += fresh.length;
    for (const change of fresh) {
      const revision = change.revision?.number ?? 1n;
      const settling = world.driver.settle(change.resourceId, { applied: judge(change), revision });
      settling.catch((error: unknown) => {
        if (!world.bus.connection.isClosed()) throw error; // at its end a test need not settle everything
      });
    }
  };
  const timer = setInterval(settleNew, 10);
  return () => clearInterval(timer);
}
