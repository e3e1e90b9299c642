import type { AccessState } from '@berth/access';
import type { BlockFact, Limit as LimitMessage } from '@berth/contracts';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { BlockOf, Limit, LimitFacts, LimitRule } from '../../domain/limits/counted-limits.ts';

/** What auth told of limits and blocks. */
export function limitFactsOf(state: AccessState): LimitFacts {
  let waiting: Promise<void> | undefined = firstFacts(state).finally(() => {
    waiting = undefined;
  });
  let read: { readonly text: string | undefined; readonly rules: readonly LimitRule[] } = {
    text: undefined,
    rules: [],
  };
  return {
    unknown: () => waiting,
    rules() {
      const text = state.limitRules();
      if (text !== read.text) read = { text, rules: text === undefined ? [] : rulesOf(text) };
      return read.rules;
    },
    ofGroups: (names) => names.map((name) => state.group(name)?.limits.map(toLimit) ?? []),
    ofUser: (id) => state.user(id)?.limits.map(toLimit) ?? [],
    blockOf(subject, now) {
      const block = state.blockOf(subject, now.getTime());
      return block && toBlock(block);
    },
  };
}

/** Resolves when auth has told something for the first time, or after a while: then it goes on without limits. */
function firstFacts(state: AccessState): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, mostWaitMs);
  timer.unref();
  const stop = state.onChange(() => resolve());
  return promise.finally(() => {
    clearTimeout(timer);
    stop();
  });
}

const mostWaitMs = 1_000;
const forEver = new Date('9999-12-31T00:00:00.000Z');

function toBlock({ until, reason }: BlockFact): BlockOf {
  const end = until && timestampDate(until);
  return { until: end && end < forEver ? end : undefined, reason };
}

const toLimit = ({ endpointGroup, windowSeconds, requests }: LimitMessage): Limit => ({
  ...{ endpointGroup, windowSeconds },
  requests: Number(requests),
});

/** Rules as auth writes them: `rulesText` there. */
interface WrittenRules {
  readonly rules: readonly {
    readonly subject: LimitRule['subject'];
    readonly endpoint_group: string;
    readonly window_seconds: number;
    readonly requests: number;
    readonly mode: LimitRule['mode'];
  }[];
}

const rulesOf = (text: string): readonly LimitRule[] =>
  (JSON.parse(text) as WrittenRules).rules.map((rule) => ({
    ...{ subject: rule.subject, mode: rule.mode, requests: rule.requests },
    endpointGroup: rule.endpoint_group,
    windowSeconds: rule.window_seconds,
  }));
