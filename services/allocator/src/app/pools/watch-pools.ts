import { requirePermission } from '@berth/contracts';
import type { Caller } from '../commands.ts';
import { readKind, seesPool } from './read-pools.ts';

/** A change as it was stored. `Told` is how it is told. */
export interface KeptChange<Told> {
  readonly revision: number;
  readonly kind: string;
  readonly router: string;
  /** The groups that may have values from the pool; empty: all. */
  readonly groups: readonly string[];
  readonly told: Told;
}

/** Where the changes stand. */
export interface ChangeHead {
  /** Of this database since its last restore: numbers of another one mean other changes. */
  readonly generation: string;
  readonly revision: number;
  /** The oldest change that is kept; undefined: none. */
  readonly oldest: number | undefined;
}

/** All changes of pools, as they were committed. */
export interface ChangeFeed<Told> {
  head(): Promise<ChangeHead>;
  /** The changes after a revision in order, at most a page of them. */
  after(revision: number): Promise<readonly KeptChange<Told>[]>;
  /** Resolves when there may be more than `revision`, or `signal` fires; throws when nobody can tell any more. */
  moreThan(revision: number, signal: AbortSignal): Promise<void>;
}

/** What a watcher hears. */
export type Heard<Told> =
  | { readonly heard: 'begin'; readonly revision: string }
  | { readonly heard: 'reset'; readonly revision: string }
  | { readonly heard: 'change'; readonly told: Told };

export interface WatchWish {
  /** "<generation>.<number>"; empty: from now on. */
  readonly revision: string;
  readonly kind: string;
  readonly router: string;
}

/**
 * Every change after a revision, once and in order, as far as the caller may see it; then new ones as they come, until `signal` fires. Ends
 * with a `reset` when changes between may be missing. Reads on only when the last page has been taken.
 */
export async function* watchPools<Told>(
  feed: ChangeFeed<Told>,
  caller: Caller,
  wish: WatchWish,
  signal: AbortSignal,
): AsyncGenerator<Heard<Told>, void, undefined> {
  requirePermission(caller, 'pools:read');
  const isWanted = wantedBy(caller, wish);
  let head = await feed.head();
  const start = startOf(wish.revision, head);
  const reset = () => ({ heard: 'reset', revision: textOf(head, head.revision) }) as const;
  if (start === undefined) return yield reset();
  yield { heard: 'begin', revision: textOf(head, start) };
  for (let last = start; !signal.aborted; ) {
    const page = await feed.after(last);
    for (const change of page) {
      // Numbers have no gaps: one that is missing was dropped before this watcher came to it.
      if (change.revision !== last + 1) return yield reset();
      last = change.revision;
      if (isWanted(change)) yield { heard: 'change', told: change.told };
      if (signal.aborted) return;
    }
    if (page.length > 0) continue;
    // The head was read before the page: what lies between was dropped.
    if (head.revision > last) return yield reset();
    await feed.moreThan(last, signal);
    const { generation } = head;
    head = await feed.head();
    if (head.generation !== generation || head.revision < last) return yield reset();
  }
}

/** Whether a watcher hears of a change. Throws `invalid` for a kind that there is not. */
function wantedBy(caller: Caller, wish: WatchWish): (change: KeptChange<unknown>) => boolean {
  const kind = readKind(wish.kind);
  return (change) =>
    (kind === '' || change.kind === kind) &&
    (wish.router === '' || change.router === wish.router) &&
    seesPool(caller, change);
}

const textOf = ({ generation }: ChangeHead, revision: number): string => `${generation}.${revision}`;

/** The number that a revision's text names, of none the newest; undefined when what followed it is not known. */
function startOf(text: string, head: ChangeHead): number | undefined {
  if (text === '') return head.revision;
  const [generation, number = '', ...more] = text.split('.');
  if (more.length > 0 || generation !== head.generation || !/^\d{1,15}$/.test(number)) return undefined;
  const revision = Number(number);
  if (revision > head.revision) return undefined;
  const isComplete = revision === head.revision || (head.oldest !== undefined && head.oldest <= revision + 1);
  return isComplete ? revision : undefined;
}
