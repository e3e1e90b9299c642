/** How much of something is allowed in a time: of an endpoint group, or of all together when it is empty. */
export interface Limit {
  readonly endpointGroup: string;
  /** 60, 3600 or 86400. */
  readonly windowSeconds: number;
  /** 0: without limit. */
  readonly requests: number;
}

/** A limit that holds for everybody who has no other of that kind. */
export interface LimitRule extends Limit {
  readonly subject: 'address' | 'user' | 'key';
  readonly mode: 'block' | 'slow';
}

/** Somebody who is kept out. */
export interface BlockOf {
  /** Undefined: until it is lifted. */
  readonly until: Date | undefined;
  readonly reason: string;
}

/** What is known of limits and blocks at this moment; asks nobody. */
export interface LimitFacts {
  /** While nothing is known, after a start: ends when it is, or when auth could not be asked. Undefined: it is known. */
  unknown(): Promise<void> | undefined;
  rules(): readonly LimitRule[];
  /** The limits of each of these groups. */
  ofGroups(names: readonly string[]): readonly (readonly Limit[])[];
  ofUser(id: string): readonly Limit[];
  /** Undefined: nobody keeps them out now. A block that has run out is none. */
  blockOf(subject: string, now: Date): BlockOf | undefined;
}

/** Whose requests are counted. */
export interface CountedSubject {
  readonly kind: LimitRule['subject'];
  /** `ip:192.0.2.1`, `user:<id>` or `key:<id>`. */
  readonly subject: string;
  /** Empty: nobody's. */
  readonly userId: string;
  readonly groups: readonly string[];
}

/** A limit that a request counts for. */
export interface CountedLimit extends Limit {
  readonly subject: string;
  readonly mode: LimitRule['mode'];
}

const windows = [60, 3_600, 86_400];

/**
 * The limits that a request to `endpointGroup` counts for. Of each kind (what is counted, in which time) one holds: the user's own, or
 * the most generous one of the groups, or the one for all. 0 is without limit, and so the most generous.
 */
export function limitsFor(
  facts: LimitFacts,
  subject: CountedSubject,
  endpointGroup: string,
  guarded = false,
): readonly CountedLimit[] {
  const rules = facts.rules().filter((rule) => rule.subject === subject.kind);
  const own = subject.userId === '' ? [] : facts.ofUser(subject.userId);
  const groups = subject.groups.length === 0 ? [] : facts.ofGroups(subject.groups).flat();
  const builtIn = guarded && subject.kind === 'address' ? [guard(endpointGroup)] : [];
  const chosen: CountedLimit[] = [];
  for (const counted of ['', endpointGroup]) {
    for (const windowSeconds of windows) {
      const same = (limit: Limit) => limit.endpointGroup === counted && limit.windowSeconds === windowSeconds;
      const rule = rules.find(same) ?? builtIn.find(same);
      const requests = own.find(same)?.requests ?? mostGenerous(groups.filter(same)) ?? rule?.requests ?? 0;
      if (requests === 0) continue;
      const mode = rule?.mode ?? 'block';
      chosen.push({ subject: subject.subject, endpointGroup: counted, windowSeconds, requests, mode });
    }
  }
  return chosen;
}

/** Units that may be taken of a limit at all: those beyond `requests` are answered slowly. */
export const mostOf = ({ requests, mode }: CountedLimit): number => (mode === 'slow' ? 2 * requests : requests);

const guardedRequests = 60;

/** Strangers who try passwords: one address, in a minute. A rule for all of the same kind replaces it. */
const guard = (endpointGroup: string): LimitRule => ({
  ...{ subject: 'address', endpointGroup, windowSeconds: 60, requests: guardedRequests, mode: 'block' },
});

function mostGenerous(limits: readonly Limit[]): number | undefined {
  if (limits.length === 0) return undefined;
  return limits.some(({ requests }) => requests === 0) ? 0 : Math.max(...limits.map(({ requests }) => requests));
}
