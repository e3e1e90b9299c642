import {
  type Commit,
  type CommitKind,
  type CommitPart,
  type ConfigOperation,
  ConfigVerb,
  type ExplainLinesRequestSchema,
  HistoryService,
  type ListCommitsRequestSchema,
  type ListConfigOperationsRequestSchema,
} from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import type { JsonValue, MessageInitShape } from '@bufbuild/protobuf';

const { method } = HistoryService;
const timeoutMs = 10_000;
export const reader = { id: 'p', kind: 'api_key', name: 'ann', permissions: ['routers:read'], group: '' };
const asked = { principal: reader, router: 'default' };

/** Asks a driver about the past of the router `default`. */
export const historyOf = (bus: Bus) => ({
  commits: (filter: Exclude<MessageInitShape<typeof ListCommitsRequestSchema>, { $typeName: string }> = {}) =>
    request(bus, method.listCommits, { ...asked, ...filter }, { timeoutMs }),

  /** The newest of these kinds, oldest first. */
  async ofKinds(...kinds: readonly CommitKind[]): Promise<Commit[]> {
    const { commits } = await request(bus, method.listCommits, { ...asked, kinds: [...kinds] }, { timeoutMs });
    return commits.toReversed();
  },

  resources: async (number: bigint) =>
    (await request(bus, method.getCommit, { ...asked, commit: atNumber(number) }, { timeoutMs })).resources,

  /** Now. */
  config: () => allOperations(bus, { case: 'config', value: {} }),

  configAt: (number: bigint, ownedOnly = false) =>
    allOperations(bus, { case: 'config', value: { at: atNumber(number), ownedOnly } }),

  diff: (from: bigint, to: bigint, ownedOnly = false) =>
    allOperations(bus, { case: 'diff', value: { from: atNumber(from), to: atNumber(to), ownedOnly } }),

  part: (number: bigint, part: CommitPart) =>
    allOperations(bus, { case: 'commit', value: { commit: atNumber(number), part } }),

  async fragments(commitId: string) {
    return (await request(bus, method.listFragmentsAt, { ...asked, commitId }, { timeoutMs })).fragments;
  },

  explain: (
    question: Exclude<MessageInitShape<typeof ExplainLinesRequestSchema>, { $typeName: string }>,
    principal = reader,
  ) => request(bus, method.explainLines, { ...asked, principal, ...question }, { timeoutMs }),
});

const atNumber = (number: bigint) => ({ value: { case: 'commitNumber' as const, value: number } });

type Question = Exclude<
  NonNullable<Exclude<MessageInitShape<typeof ListConfigOperationsRequestSchema>, { $typeName: string }>['question']>,
  { case?: undefined }
>;

/** Every page, as lines. */
async function allOperations(bus: Bus, question: Question): Promise<string[]> {
  const lines: string[] = [];
  for (let pageToken: string | undefined = ''; pageToken !== undefined; ) {
    const page: { operations: ConfigOperation[]; nextPageToken: string } = await request(
      bus,
      method.listConfigOperations,
      { ...asked, question, pageToken },
      { timeoutMs },
    );
    lines.push(...page.operations.map(asLine));
    pageToken = page.nextPageToken || undefined;
  }
  return lines;
}

const asLine = ({ verb, path }: ConfigOperation): string =>
  [verb === ConfigVerb.SET ? 'set' : 'delete', ...path].join(' ');

/** The NAT and DHCP configuration of a tree, as sorted lines: what the history is compared with. */
export function linesOfConfig(config: unknown): string[] {
  const lines: string[] = [];
  const walk = (path: readonly string[], node: unknown): void => {
    if (Array.isArray(node)) for (const value of node) lines.push(['set', ...path, value].join(' '));
    else if (typeof node === 'string') lines.push(['set', ...path, node].join(' '));
    else if (typeof node === 'object' && node !== null) {
      const children = Object.entries(node);
      if (children.length === 0) lines.push(['set', ...path].join(' '));
      for (const [name, child] of children) walk([...path, name], child);
    }
  };
  const at = (node: unknown, name: string): unknown => Object(node)[name] ?? {};
  const [nat, dhcp] = [at(config, 'nat'), at(at(config, 'service'), 'dhcp-server')];
  if (Object.keys(Object(nat)).length > 0) walk(['nat'], nat);
  if (Object.keys(Object(dhcp)).length > 0) walk(['service', 'dhcp-server'], dhcp);
  return lines.sort();
}

/** Hears the public events on a subject, parsed. Gives back its end. */
export function listenJson(bus: Bus, subject: string, hear: (body: JsonValue) => void): () => void {
  const subscription = bus.connection.subscribe(`${bus.prefix}.${subject}`, {
    callback: (_, message) => hear(message.json<JsonValue>()),
  });
  return () => subscription.unsubscribe();
}
