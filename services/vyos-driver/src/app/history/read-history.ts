import { DomainError } from '@berth/errors';
import { type ConfigState, changesBetween, inverseOf, type LineChange } from '../../domain/history/config-line.ts';
import { type LineOperation, operationsBetween, operationsOf } from '../../domain/history/line-operations.ts';

/** A moment as somebody names it. */
export type Moment =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'number'; readonly number: bigint }
  | { readonly kind: 'time'; readonly at: Date };

/** What stands between two moments, or at one, or what a commit did. */
export type OperationsQuestion =
  | { readonly kind: 'config'; readonly at: Moment | undefined; readonly ownedOnly: boolean }
  | { readonly kind: 'diff'; readonly from: Moment; readonly to: Moment | undefined; readonly ownedOnly: boolean }
  | { readonly kind: 'commit'; readonly commit: Moment; readonly part: CommitPart };

export type CommitPart = 'sent' | 'changes' | 'inverse' | 'before' | 'after';

/** The stored history of routers. Numbers are those of entries, and what stood after one never changes. */
export interface HistoryStore {
  /** Throws ROUTER_UNKNOWN. The newest when no moment is named; undefined: that is not known, or not kept any more. */
  numberAt(router: string, moment: Moment | undefined): Promise<bigint | undefined>;
  /** What stood after that entry; undefined when it is not kept any more. */
  stateAfter(router: string, number: bigint): Promise<ConfigState | undefined>;
  /** What changed with that entry; undefined when it is not kept any more. */
  changesOf(router: string, number: bigint): Promise<readonly LineChange[] | undefined>;
  /** What was sent; undefined: nothing was, or it is not kept. */
  sentWith(router: string, number: bigint): Promise<readonly LineOperation[] | undefined>;
}

/** The entries that a question is about; the same question with these has the same answer for ever. */
export interface PinnedQuestion {
  readonly from: bigint;
  readonly to: bigint;
}

/** Finds the entries that the moments of a question mean. Throws what is said of moments that nothing is known of. */
export async function pinQuestion(
  store: HistoryStore,
  router: string,
  question: OperationsQuestion,
): Promise<PinnedQuestion> {
  const numberOf = async (moment: Moment | undefined) => {
    const number = await store.numberAt(router, moment);
    if (number === undefined) throw notKept(moment);
    return number;
  };
  if (question.kind === 'config') return { from: 0n, to: await numberOf(question.at) };
  if (question.kind === 'commit') return { from: 0n, to: await numberOf(question.commit) };
  return { from: await numberOf(question.from), to: await numberOf(question.to) };
}

/** All commands that answer the question. */
export async function operationsFor(
  store: HistoryStore,
  router: string,
  question: OperationsQuestion,
  { from, to }: PinnedQuestion,
): Promise<readonly LineOperation[]> {
  if (question.kind === 'commit') return ofCommit(store, router, to, question.part);
  const isWanted = ({ resourceId }: { readonly resourceId: string }) => !question.ownedOnly || resourceId !== '';
  const after = await stateOf(store, router, to);
  if (question.kind === 'config') return operationsOf(inOrder(after).filter(isWanted));
  const before = await stateOf(store, router, from);
  const changes = changesBetween(before, after);
  return operationsBetween(
    changes.filter((change) => [change.before, change.after].some((one) => one && isWanted(one))),
  );
}

async function stateOf(store: HistoryStore, router: string, number: bigint): Promise<ConfigState> {
  const state = await store.stateAfter(router, number);
  if (state === undefined) throw notKept({ kind: 'number', number });
  return state;
}

async function ofCommit(
  store: HistoryStore,
  router: string,
  number: bigint,
  part: CommitPart,
): Promise<readonly LineOperation[]> {
  const sent = part === 'sent' ? await store.sentWith(router, number) : undefined;
  if (sent !== undefined) return sent;
  const changes = await store.changesOf(router, number);
  if (changes === undefined) throw notKept({ kind: 'number', number });
  if (part === 'inverse') return operationsBetween(changes.map(inverseOf));
  if (part === 'before' || part === 'after') {
    return operationsOf(changes.flatMap((change) => (change[part] ? [{ key: change.key, ...change[part] }] : [])));
  }
  return operationsBetween(changes);
}

const inOrder = (state: ConfigState) => [...state.values()].sort((a, b) => compareKeys(a.key, b.key));

/** As a person reads them: numbers by their value. */
function compareKeys(a: string, b: string): number {
  const [left, right] = [a.split('\n'), b.split('\n')];
  for (const [at, name] of left.entries()) {
    const other = right[at];
    if (other === undefined) return 1;
    if (name === other) continue;
    const bothNumbers = /^\d+$/.test(name) && /^\d+$/.test(other);
    return bothNumbers && Number(name) !== Number(other) ? Number(name) - Number(other) : name < other ? -1 : 1;
  }
  return left.length - right.length;
}

export function notKept(moment: Moment | undefined): DomainError {
  if (moment !== undefined && moment.kind !== 'time') {
    return new DomainError('not_found', 'COMMIT_UNKNOWN', 'There is no such commit, or it is not kept any more.');
  }
  const text = 'What stood at that time is not known: it is before the history begins, or not kept any more.';
  return new DomainError('not_found', 'HISTORY_NOT_KEPT', text);
}
