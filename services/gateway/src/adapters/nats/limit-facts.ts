import {
  type AccessFact,
  AccessPositionSchema,
  AccessService,
  type BlockFact,
  type Limit as LimitMessage,
  subjects,
} from '@berth/contracts';
import { type Bus, listen, request } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { BlockOf, Limit, LimitFacts, LimitRule } from '../../domain/counted-limits.ts';

/** What auth tells of limits and blocks, kept in memory. */
class KnownFacts implements LimitFacts {
  readonly unknown: LimitFacts['unknown'];
  #rules: readonly LimitRule[] = [];
  readonly #groups = new Map<string, readonly Limit[]>();
  readonly #users = new Map<string, readonly Limit[]>();
  readonly #blocks = new Map<string, BlockOf>();

  constructor(unknown: LimitFacts['unknown']) {
    this.unknown = unknown;
  }

  rules(): readonly LimitRule[] {
    return this.#rules;
  }

  ofGroups(names: readonly string[]): readonly (readonly Limit[])[] {
    return names.map((name) => this.#groups.get(name) ?? []);
  }

  ofUser(id: string): readonly Limit[] {
    return this.#users.get(id) ?? [];
  }

  blockOf(subject: string, now: Date): BlockOf | undefined {
    const block = this.#blocks.get(subject);
    if (block?.until === undefined || block.until > now) return block;
    this.#blocks.delete(subject);
    return undefined;
  }

  take({ fact }: AccessFact): void {
    switch (fact.case) {
      case 'limits':
        this.#rules = rulesOf(fact.value.rules);
        break;
      case 'group':
        put(this.#groups, fact.value.name, fact.value.removed ? undefined : fact.value.limits.map(toLimit));
        break;
      case 'user':
        put(this.#users, fact.value.id, fact.value.limits.length === 0 ? undefined : fact.value.limits.map(toLimit));
        break;
      case 'block':
        put(this.#blocks, fact.value.subject, toBlock(fact.value));
        break;
    }
  }
}

/** Follows what auth tells of limits and blocks. */
export function followLimitFacts(
  bus: Bus,
  { answerTimeoutMs }: { answerTimeoutMs: number },
): { facts: LimitFacts; stop(): void } {
  let known = 0n;
  let told = 1n;
  let hasRead = false;
  let reading: Promise<void> | undefined;
  const readOn = async (): Promise<void> => {
    for (let last = -1n; known < told && known > last; ) {
      last = known;
      const question = { after: known };
      const page = await request(bus, AccessService.method.getAccessFacts, question, { timeoutMs: answerTimeoutMs });
      for (const fact of page.facts) facts.take(fact);
      known = page.position;
      told = page.more && told <= known ? known + 1n : told;
    }
    hasRead = true;
  };
  const follow = async (): Promise<void> => {
    try {
      await readOn();
    } catch (error) {
      bus.log.debug({ err: error }, 'could not read access facts');
    } finally {
      reading = undefined;
    }
  };
  const readTogether = (): Promise<void> => {
    if (reading === undefined) reading = follow();
    return reading;
  };
  const facts = new KnownFacts(() => (hasRead ? undefined : readTogether()));
  const stop = listen(bus, subjects.accessPosition, AccessPositionSchema, ({ position }) => {
    told = position;
    if (position < known) known = 0n; // auth's database was put back to an earlier time
    if (position > known) void readTogether();
  });
  void readTogether();
  return { facts, stop };
}

function put<T>(map: Map<string, T>, name: string, value: T | undefined): void {
  if (value === undefined) map.delete(name);
  else map.set(name, value);
}

const forEver = new Date('9999-12-31T00:00:00.000Z');

function toBlock({ until, reason }: BlockFact): BlockOf | undefined {
  if (until === undefined) return undefined; // it is over
  const end = timestampDate(until);
  return { until: end < forEver ? end : undefined, reason };
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
