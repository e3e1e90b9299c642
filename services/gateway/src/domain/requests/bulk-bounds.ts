import { DomainError } from '@berth/errors';

/** At most so many items in one request. */
export const maxBulkItems = 10_000;
/** At most so many values and members in the JSON of a bulk: a hundred for each item. */
const maxBulkValues = 1_000_000;

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const [openList, openObject, closeList, closeObject] = [0x5b, 0x7b, 0x5d, 0x7d];

/**
 * Refuses the JSON of a bulk that holds too many items, or too much of anything, by looking at its bytes: parsed, sixteen million zeros
 * would fill the memory before anybody could count them. Items are the elements of a list right in the body's object, or of a body that
 * is a list. What is no JSON is left for the parser to refuse.
 */
export function refuseOversizedBulk(json: Uint8Array): void {
  const count = new BulkCount();
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (byte === quote) at = endOfText(json, at);
    else if (byte === openList || byte === openObject) count.open(byte === openList);
    else if (byte === closeList || byte === closeObject) count.close();
    else if (byte === comma) count.next();
  }
}

/** Counts while a JSON text goes by. */
class BulkCount {
  #depth = 0;
  #itemsDepth = 0;
  #items = 0;
  #inItems = false;
  #values = 1;

  open(isList: boolean): void {
    this.#depth++;
    if (this.#depth === 1) this.#itemsDepth = isList ? 1 : 2;
    if (this.#depth === this.#itemsDepth) {
      this.#inItems = isList;
      this.#items = 1;
    }
    this.#addValue();
  }

  close(): void {
    this.#depth--;
  }

  next(): void {
    if (this.#inItems && this.#depth === this.#itemsDepth && ++this.#items > maxBulkItems) throw tooManyItems();
    this.#addValue();
  }

  #addValue(): void {
    if (++this.#values > maxBulkValues) throw tooManyValues();
  }
}

/** Where the text that begins at `from` has its closing quote. */
function endOfText(json: Uint8Array, from: number): number {
  for (let at = from + 1; at < json.length; at++) {
    if (json[at] === quote) return at;
    if (json[at] === backslash) at++;
  }
  return json.length;
}

/** A bulk of more items than one request may have. */
export const tooManyItems = (): DomainError => tooLarge(`has more than ${maxBulkItems} items`);

const tooManyValues = (): DomainError => tooLarge(`has more than ${maxBulkValues} values`);

const tooLarge = (message: string): DomainError =>
  new DomainError('too_large', 'BULK_TOO_LARGE', `The bulk ${message}.`, { fields: [{ field: 'items', message }] });
