import { createHash } from 'node:crypto';
import { type ConfigTree, pathOfKey } from './config-tree.ts';
import { sameTree } from './drift.ts';
import { childOf, firstValueOf } from './normal-tree.ts';

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

/** What is found on the paths of one resource as rules; or why it cannot be said that way, so that it is only reported. */
export function offerOf(items: readonly OfferedItem[]): readonly FoundRule[] | { readonly reason: string } {
  const rules: FoundRule[] = [];
  for (const { key, expected, found } of items) {
    const path = pathOfKey(key);
    if (path[0] !== 'nat')
      return { reason: 'A static mapping is not taken over: change the VM, or put the mapping right.' };
    if (expected === undefined) return { reason: 'A rule that nothing is wanted at is not taken over.' };
    if (found !== undefined && !sameTree(plain(expected), plain(found)))
      return { reason: 'More than whether a rule is disabled, and its description, was changed.' };
    const description = firstValueOf(childOf(found, 'description')) ?? '';
    if (found !== undefined && description === '') return { reason: 'The rule has no description any more.' };
    const disabled = childOf(found, 'disable') !== undefined;
    rules.push({ number: Number(path.at(-1)), deleted: found === undefined, disabled, description });
  }
  return rules;
}

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
