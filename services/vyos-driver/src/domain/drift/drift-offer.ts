import { createHash } from 'node:crypto';
import { type ConfigTree, pathOfKey } from '../config-tree.ts';
import { childOf, firstValueOf } from '../normal-tree.ts';
import { sameTree } from './drift.ts';

/** A rule as it was found, in the words in which its VM's owner could ask for it. */
export interface FoundRule {
  readonly number: number;
  readonly deleted: boolean;
  readonly disabled: boolean;
  readonly description: string;
}

/** An open difference that shall be taken over. */
export interface OfferedItem {
  readonly id: string;
  readonly key: string;
  readonly expected: ConfigTree | undefined;
  readonly found: ConfigTree | undefined;
}

/** Why a difference is only reported. */
export interface Unacceptable {
  readonly item: OfferedItem;
  readonly reason: string;
}

/** What is found on the paths of one resource as rules; or those of them that cannot be said that way, so that all are only reported. */
export function offerOf(
  items: readonly OfferedItem[],
): readonly FoundRule[] | { readonly unacceptable: Unacceptable[] } {
  const unacceptable = items.flatMap((item) => {
    const reason = problemOf(item);
    return reason === undefined ? [] : [{ item, reason }];
  });
  return unacceptable.length > 0 ? { unacceptable } : items.map(ruleOf);
}

/** What is noted at each of them. One that could be taken over alone says which one it is that keeps it. */
export function notesOn(
  items: readonly OfferedItem[],
  unacceptable: readonly Unacceptable[],
): ReadonlyMap<OfferedItem, string> {
  const reasons = new Map(unacceptable.map(({ item, reason }) => [item, reason]));
  const [first] = unacceptable;
  const others = `It is not taken over, since another line of the VM cannot be: ${pathOfKey(first?.item.key ?? '').join(' ')}. ${first?.reason}`;
  return new Map(items.map((item) => [item, reasons.get(item) ?? others]));
}

function problemOf({ key, expected, found }: OfferedItem): string | undefined {
  if (pathOfKey(key)[0] !== 'nat')
    return 'A static mapping is not taken over: change the VM, or put the mapping right.';
  if (expected === undefined) return 'A rule that nothing is wanted at is not taken over.';
  if (found === undefined) return undefined;
  if (!sameTree(plain(expected), plain(found)))
    return 'More than whether a rule is disabled, and its description, was changed.';
  return descriptionOf(found) === '' ? 'The rule has no description any more.' : undefined;
}

const descriptionOf = (found: ConfigTree | undefined): string => firstValueOf(childOf(found, 'description')) ?? '';

const ruleOf = ({ key, found }: OfferedItem): FoundRule => ({
  number: Number(pathOfKey(key).at(-1)),
  deleted: found === undefined,
  disabled: childOf(found, 'disable') !== undefined,
  description: descriptionOf(found),
});

/** A rule without what can be taken over. */
const plain = (tree: ConfigTree): ConfigTree =>
  Object.fromEntries(Object.entries(tree).filter(([name]) => name !== 'disable' && name !== 'description'));

/** The UUID (version 8) that follows from what was found and when: the same again for a repeat, another for anything else. */
export function offerId(items: readonly OfferedItem[]): string {
  const text = items.map(({ id, found }) => `${id} ${JSON.stringify(found ?? null)}`).sort();
  const bytes = createHash('sha256').update(text.join('\n')).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
