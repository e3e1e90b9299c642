import {
  type ConfigOperation,
  type ExplainLinesRequestSchema,
  type ExplainLinesResponse,
  type GetCommitResponse,
  HistoryService,
  type ListCommitsRequestSchema,
  type ListCommitsResponse,
  type ListConfigOperationsRequestSchema,
  type ListConfigOperationsResponse,
} from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';

const { method } = HistoryService;

/** Operations with the entries that they are of. */
export type FoundOperations = Pick<ListConfigOperationsResponse, 'commit' | 'from'> & {
  readonly operations: readonly ConfigOperation[];
};

/** Reads routers' pasts from the driver; patient while a replica restarts, because reading may be repeated. */
export interface HistoryReader {
  commits(message: MessageInitShape<typeof ListCommitsRequestSchema>): Promise<ListCommitsResponse>;
  commit(message: MessageInitShape<typeof HistoryService.method.getCommit.input>): Promise<GetCommitResponse>;
  /** All of them, however many pages they are. */
  operations(message: ListConfigOperationsInit): Promise<FoundOperations>;
  explain(message: MessageInitShape<typeof ExplainLinesRequestSchema>): Promise<ExplainLinesResponse>;
}

type ListConfigOperationsInit = Exclude<
  MessageInitShape<typeof ListConfigOperationsRequestSchema>,
  { $typeName: string }
>;

/** A whole configuration is put together from stored parts. */
const longestMs = 20_000;

export const historyReader = (
  bus: Bus,
  wait: { readonly answerTimeoutMs: number; readonly nobodyThereMs: number },
): HistoryReader => {
  const timeoutMs = Math.max(wait.answerTimeoutMs, longestMs);
  const ask = <I extends DescMessage, O extends DescMessage>(
    asked: DescMethodUnary<I, O>,
    message: MessageInitShape<I>,
  ): Promise<MessageShape<O>> => askPatiently(() => request(bus, asked, message, { timeoutMs }), wait.nobodyThereMs);
  return {
    commits: (message) => ask(method.listCommits, message),
    commit: (message) => ask(method.getCommit, message),
    explain: (message) => ask(method.explainLines, message),
    async operations(message) {
      const first = await ask(method.listConfigOperations, message);
      const operations = [...first.operations];
      for (let pageToken = first.nextPageToken; pageToken !== ''; ) {
        const page = await ask(method.listConfigOperations, { ...message, pageToken });
        for (const operation of page.operations) operations.push(operation);
        pageToken = page.nextPageToken;
      }
      const { commit, from } = first;
      return { operations, ...(commit && { commit }), ...(from && { from }) };
    },
  };
};
