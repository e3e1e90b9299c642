import { type BulkItem, BulkItemSchema } from '@berth/contracts';
import type { FieldError } from '@berth/errors';
import { toBinary } from '@bufbuild/protobuf';
import { invalidRequest } from '../../../domain/field-checks.ts';
import { maxBulkItems, tooManyItems } from '../../../domain/requests/bulk-bounds.ts';
import type { BulkBody } from './bulk-body.ts';
import { BulkFingerprint, type CheckedItem, checkItem, type ItemKind } from './bulk-items.ts';

/** Of an atomic bulk, as the allocator has it: all of them are accepted in one transaction. */
const maxAtomicItems = 2_000;

/** Per message: half of what the bus carries, and no more than one transaction should store. */
const maxBytesTogether = 500_000;
const maxItemsTogether = 200;
/** Of an atomic bulk that is refused as a whole. */
const maxFieldsTold = 200;

/** Hands items over to be kept, before anything happens with them. */
export type Stage = (offset: number, items: BulkItem[]) => Promise<void>;

/**
 * Reads a bulk's items and hands them on, some at a time; reads on when those are stored. Wrong items of a best effort are handed on as
 * refused; of an atomic bulk they refuse the whole, with each one named.
 */
export async function uploadBulk(
  body: BulkBody,
  kind: ItemKind,
  stage: Stage,
): Promise<{ readonly items: number; readonly fingerprint: Uint8Array<ArrayBuffer> }> {
  const fingerprint = new BulkFingerprint(body.mode);
  const wrong: FieldError[] = [];
  const outbound = new Outbound(stage);
  let items = 0;
  for await (const read of body.items) {
    if (items === maxBulkItems) throw tooManyItems();
    if (items === maxAtomicItems && body.mode === 'atomic') throw tooManyAtomic();
    const item = checkItem(read, kind);
    if (body.mode === 'atomic' && item.wrong) wrong.push(...fieldsOf(item, items));
    if (wrong.length >= maxFieldsTold) break;
    fingerprint.add(item);
    if (wrong.length === 0) await outbound.add(item.message);
    items++;
  }
  if (wrong.length > 0) throw invalidRequest(wrong);
  if (items === 0) throw invalidRequest([{ field: 'items', message: 'must have at least one' }]);
  await outbound.flush();
  return { items, fingerprint: fingerprint.finish() };
}

/** Items on their way, as many together as one message should carry. */
class Outbound {
  readonly #stage: Stage;
  #items: BulkItem[] = [];
  #bytes = 0;
  #offset = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async add(item: BulkItem): Promise<void> {
    const bytes = toBinary(BulkItemSchema, item).length;
    if (this.#bytes + bytes > maxBytesTogether || this.#items.length === maxItemsTogether) await this.flush();
    this.#items.push(item);
    this.#bytes += bytes;
  }

  async flush(): Promise<void> {
    if (this.#items.length === 0) return;
    await this.#stage(this.#offset, this.#items);
    this.#offset += this.#items.length;
    this.#items = [];
    this.#bytes = 0;
  }
}

function fieldsOf({ wrong }: CheckedItem, index: number): FieldError[] {
  const at = `items[${index}]`;
  const fields = wrong?.details.fields ?? [{ field: 'item', message: wrong?.message ?? '' }];
  return fields.map(({ field, message }) => ({ field: field === 'item' ? at : `${at}.${field}`, message }));
}

const tooManyAtomic = () =>
  invalidRequest([{ field: 'items', message: `must be at most ${maxAtomicItems} in an atomic bulk` }]);
