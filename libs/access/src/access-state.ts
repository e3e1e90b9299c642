import type { AccessFact, BlockFact, GroupFact, SigningKeyFact, UserFact } from '@berth/contracts';
import { timestampMs } from '@bufbuild/protobuf/wkt';

/** What each kind of fact says. */
type Values = { [F in AccessFact['fact'] as NonNullable<F['case']>]: NonNullable<F['value']> };

/** Told of each fact, and of `everything` when the state was read anew. */
export type FactListener = (news: AccessFact['fact'] | 'everything') => void;

/**
 * What everybody knows who lets callers in: keys that sign tokens, groups, and what was revoked. Holds facts as auth told them; whether
 * they are the newest is not its matter (see `AccessFeed`). Reading costs a look into a map.
 */
export class AccessState {
  #facts = new Map<string, AccessFact>();
  #position = 0n;
  #version = 0;
  #droppedUntilMs = 0;
  readonly #listeners = new Set<FactListener>();

  /** Up to where all facts are known. */
  get position(): bigint {
    return this.#position;
  }

  /** Grows with every change: what was derived from an older one has to be derived again. */
  get version(): number {
    return this.#version;
  }

  /** Adds newer facts. */
  apply(facts: readonly AccessFact[], position: bigint): void {
    for (const fact of facts) this.#facts.set(subjectOf(fact), fact);
    this.#position = position;
    this.#version++;
    for (const { fact } of facts) this.#tell(fact);
  }

  /** Forgets all that was known: these facts are everything. */
  replace(facts: readonly AccessFact[], position: bigint): void {
    this.#facts = new Map(facts.map((fact) => [subjectOf(fact), fact]));
    this.#position = position;
    this.#droppedUntilMs = 0;
    this.#version++;
    this.#tell('everything');
  }

  /** Drops what nobody need know any more. */
  dropOld(nowMs: number): void {
    for (const [subject, fact] of this.#facts) {
      if (fact.until === undefined || holds(fact, nowMs)) continue;
      this.#facts.delete(subject);
      this.#droppedUntilMs = Math.max(this.#droppedUntilMs, timestampMs(fact.until));
    }
  }

  /** Whether nothing was dropped that has to be known at `nowMs`. It was where a clock was far ahead, and was set right. */
  isComplete(nowMs: number): boolean {
    return nowMs >= this.#droppedUntilMs;
  }

  /** Gives back its stop. */
  onChange(listener: FactListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** A key whose signatures are accepted. */
  signingKey(id: string): SigningKeyFact | undefined {
    const key = this.#value('signingKey', id);
    return key?.removed ? undefined : key;
  }

  /** Whether anything was told of a key, also that its signatures are not accepted any more. */
  knowsKey(id: string): boolean {
    return this.#value('signingKey', id) !== undefined;
  }

  /** The keys whose signatures are accepted, as JWKs. */
  publicKeys(): readonly object[] {
    const now = Date.now();
    return [...this.#facts.values()].flatMap((fact) =>
      fact.fact.case === 'signingKey' && !fact.fact.value.removed && holds(fact, now)
        ? [JSON.parse(fact.fact.value.publicJwk)]
        : [],
    );
  }

  /** A group that is there. */
  group(name: string): GroupFact | undefined {
    const group = this.#value('group', name);
    return group?.removed ? undefined : group;
  }

  /** What was told of a user since tokens were made that still work. */
  user(id: string): UserFact | undefined {
    return this.#value('user', id);
  }

  hasEnded(sessionId: string): boolean {
    return this.#value('session', sessionId) !== undefined;
  }

  /** Whether an address or principal ("ip:192.0.2.1", "user:<id>", "key:<id>") is kept out at `nowMs`, until when and why. */
  blockOf(subject: string, nowMs: number): BlockFact | undefined {
    const block = this.#value('block', subject);
    return block?.until !== undefined && timestampMs(block.until) > nowMs ? block : undefined;
  }

  /** Limits that hold for everybody, as JSON; undefined: none were told. */
  limitRules(): string | undefined {
    return this.#value('limits', '')?.rules;
  }

  #value<C extends keyof Values>(kind: C, subject: string): Values[C] | undefined {
    const told = this.#facts.get(keyOf(kind, subject));
    if (told === undefined || !holds(told, Date.now())) return undefined;
    // The map's key names the case.
    return told.fact.value as Values[C];
  }

  #tell(news: AccessFact['fact'] | 'everything'): void {
    for (const listener of this.#listeners) listener(news);
  }
}

const keyOf = (kind: string, subject: string): string => `${kind} ${subject}`;

const holds = ({ until }: AccessFact, nowMs: number): boolean => until === undefined || timestampMs(until) > nowMs;

function subjectOf({ fact }: AccessFact): string {
  switch (fact.case) {
    case 'group':
      return keyOf(fact.case, fact.value.name);
    case 'apiKey':
      return keyOf(fact.case, `${fact.value.id}/${fact.value.userId}`);
    case 'block':
      return keyOf(fact.case, fact.value.subject);
    case 'signingKey':
    case 'user':
    case 'session':
      return keyOf(fact.case, fact.value.id);
    case 'limits':
      return keyOf(fact.case, '');
    case undefined:
      return 'unknown'; // a kind that this version does not know
  }
}
