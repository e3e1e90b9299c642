import {
  ConfigVerb,
  type ExplainedLineSchema,
  HistoryService,
  type LineOriginSchema,
  type ListConfigOperationsRequest,
  type ListConfigOperationsResponseSchema,
  type ListFragmentsAtRequest,
  requireEverywhere,
} from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type ExplainedLine, explainLines, type LineFinder, type LineOrigin } from '../../app/history/explain-lines.ts';
import {
  type HistoryStore,
  type Moment,
  notKept,
  operationsFor,
  type PinnedQuestion,
  pinQuestion,
} from '../../app/history/read-history.ts';
import { RecentAnswers } from '../../app/history/recent-answers.ts';
import type { Fragment } from '../../domain/changes/fragment.ts';
import type { ConfigLeaf } from '../../domain/config-leaf.ts';
import { pathOfKey } from '../../domain/config-tree.ts';
import type { LineOperation } from '../../domain/history/line-operations.ts';
import { kindOnWire } from '../postgres/history/commit-message.ts';
import type { PostgresCommitLog } from '../postgres/history/postgres-commit-log.ts';
import {
  commitFilterOf,
  lineQuestionOf,
  momentOf,
  operationsQuestionOf,
  pageTokenInvalid,
  requiredMoment,
} from './history-questions.ts';

export interface HistoryParts {
  readonly store: HistoryStore;
  readonly log: PostgresCommitLog;
  readonly lines: LineFinder;
}

const { method } = HistoryService;
const operationsAPage = 10_000;
/** Well below what a message may hold. */
const bytesAPage = 500_000;
const fragmentsAPage = 500;
const commitsAPage = { usual: 100, most: 500 };

/** Answers what is known of routers' pasts, on any replica. Gives back its stop. */
export function serveHistory(bus: Bus, parts: HistoryParts): () => Promise<void> {
  const answers = new RecentAnswers<readonly LineOperation[]>();
  const stops = [
    serve(bus, method.listCommits, async (message) => {
      requireEverywhere(message.principal, 'routers:read');
      const limit = Math.min(message.pageSize || commitsAPage.usual, commitsAPage.most);
      if (!/^\d{0,18}$/.test(message.pageToken)) throw pageTokenInvalid();
      const before = message.pageToken === '' ? undefined : BigInt(message.pageToken);
      await parts.store.numberAt(message.router, undefined);
      const found = await parts.log.list(message.router, commitFilterOf(message), { limit: limit + 1, before });
      const commits = found.slice(0, limit);
      return { commits, nextPageToken: found.length > limit ? String(commits.at(-1)?.number ?? '') : '' };
    }),
    serve(bus, method.getCommit, async ({ principal, router, commit: asked }) => {
      requireEverywhere(principal, 'routers:read');
      const moment = requiredMoment(asked, 'commit');
      const number = await parts.store.numberAt(router, moment);
      const commit = number === undefined ? undefined : await parts.log.get(router, number);
      if (commit === undefined || number === undefined) throw notKept(moment);
      return { commit, resources: await parts.log.resourcesOf(router, number) };
    }),
    serve(bus, method.listConfigOperations, (message) => {
      requireEverywhere(message.principal, 'routers:read');
      return pageOfOperations(parts, answers, message);
    }),
    serve(bus, method.listFragmentsAt, (message) => {
      requireEverywhere(message.principal, 'routers:read');
      return pageOfFragments(parts, message);
    }),
    serve(bus, method.explainLines, async (message) => {
      const question = lineQuestionOf(message);
      const { lines, lookedAt } = await explainLines(parts, message.principal, message.router, question);
      return { lines: lines.map(lineOnWire), ...(lookedAt && { lookedAt: timestampFromDate(lookedAt) }) };
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

/** The token pins the entries that the first page was made from, since there may be a newer one by the next. */
async function pageOfOperations(
  { store, log }: HistoryParts,
  answers: RecentAnswers<readonly LineOperation[]>,
  message: ListConfigOperationsRequest,
): Promise<MessageInitShape<typeof ListConfigOperationsResponseSchema>> {
  const { router, pageToken } = message;
  const question = operationsQuestionOf(message);
  const first =
    pageToken === '' ? { offset: 0, ...(await pinQuestion(store, router, question)) } : readToken(pageToken);
  const { offset, from, to } = first;
  const about = question.kind === 'commit' ? question.part : `${question.kind} ${question.ownedOnly}`;
  const all = await answers.get(`${router} ${about} ${from} ${to}`, () =>
    operationsFor(store, router, question, { from, to }),
  );
  const end = endOfPage(all, offset);
  const page = {
    operations: all.slice(offset, end).map(operationOnWire),
    nextPageToken: end < all.length ? `${end}.${from}.${to}` : '',
  };
  if (offset > 0) return page;
  const [commit, fromCommit] = [await log.get(router, to), question.kind === 'diff' && (await log.get(router, from))];
  return { ...page, ...(commit && { commit }), ...(fromCommit && { from: fromCommit }) };
}

/** Where the page that begins at `offset` ends: at least one operation further, if there is one. */
function endOfPage(all: readonly LineOperation[], offset: number): number {
  let end = offset;
  for (let bytes = 0; end < all.length && end - offset < operationsAPage && bytes < bytesAPage; end++) {
    const { path, resourceId } = all[end] ?? { path: [], resourceId: '' };
    bytes += path.reduce((sum, word) => sum + 2 + Buffer.byteLength(word), resourceId.length + 8);
  }
  return end;
}

function readToken(token: string): PinnedQuestion & { readonly offset: number } {
  const [, offset = '', from = '', to = ''] = /^(\d{1,9})\.(\d{1,18})\.(\d{1,18})$/.exec(token) ?? [];
  if (to === '') throw pageTokenInvalid();
  return { offset: Number(offset), from: BigInt(from), to: BigInt(to) };
}

async function pageOfFragments({ store, log }: HistoryParts, message: ListFragmentsAtRequest) {
  const { router, commitId, at, pageToken } = message;
  const asked: Moment | undefined =
    commitId === ''
      ? at && { kind: 'time', at: timestampDate(at) }
      : momentOf({ $typeName: 'berth.driver.v1.Moment', value: { case: 'commitId', value: commitId } }, 'commit_id');
  const [, pinned = '', after = ''] = /^(\d{1,18}) (.*)$/.exec(pageToken) ?? [];
  if (pageToken !== '' && pinned === '') throw pageTokenInvalid();
  const number = pinned === '' ? await store.numberAt(router, asked) : BigInt(pinned);
  if (number === undefined) throw notKept(asked);
  const rows = await log.fragmentsAfter(router, number, { limit: fragmentsAPage + 1, after });
  const page = rows.slice(0, fragmentsAPage);
  const commit = await log.get(router, number);
  return {
    fragments: page.map(({ resource_id, fragment, owner_group }) => ({
      resourceId: resource_id,
      fragment: fragmentOnWire(fragment),
      ownerGroup: owner_group,
    })),
    nextPageToken: rows.length > page.length ? `${number} ${page.at(-1)?.resource_id}` : '',
    commitId: commit?.id ?? '',
  };
}

const fragmentOnWire = ({ mapping, rules }: Fragment) => ({
  ...(mapping && { mapping: { ...mapping, extra: leavesOnWire(mapping.extra) } }),
  rules: rules.map((rule) => ({ ...rule, extra: leavesOnWire(rule.extra) })),
});

const leavesOnWire = (extra: readonly ConfigLeaf[] = []) =>
  extra.map(({ path, values }) => ({ path: [...path], values: [...values] }));

const operationOnWire = ({ op, path, resourceId }: LineOperation) => ({
  verb: op === 'set' ? ConfigVerb.SET : ConfigVerb.DELETE,
  path: [...path],
  resourceId,
});

const originOnWire = ({ id, number, kind, at, causes }: LineOrigin): MessageInitShape<typeof LineOriginSchema> => ({
  commitId: id,
  commitNumber: number,
  kind: kindOnWire[kind],
  at: timestampFromDate(at),
  causes: [...causes],
});

const lineOnWire = (line: ExplainedLine): MessageInitShape<typeof ExplainedLineSchema> => ({
  path: [...pathOfKey(line.key)],
  resourceId: line.resourceId,
  ownerGroup: line.ownerGroup,
  standing: line.standing.map(operationOnWire),
  expected: line.expected.map(operationOnWire),
  asExpected: line.asExpected,
  put: originOnWire(line.put),
  changed: originOnWire(line.changed),
  ruleNumber: line.ruleNumber,
  mappingName: line.mappingName,
});
