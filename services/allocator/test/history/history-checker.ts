/** Something that one VM at a time may hold: a number of a space, or a text (a name, a MAC address) in its scope. */
export type Value = string;

export const numberIn = (space: string, number: number): Value => `${space} #${number}`;
export const textIn = (scope: string, text: string): Value => `${scope} ${text.toLowerCase()}`;

/** A moment that is known between two others, in milliseconds on one clock. */
export interface Moment {
  readonly earliest: number;
  readonly latest: number;
}

/** What one who watches the system saw: a VM got values, or gave them up. */
export interface HistoryEvent {
  readonly kind: 'granted' | 'released';
  readonly at: Moment;
  readonly client: string;
  readonly operationId: string;
  readonly vmId: string;
  /** Owner group and name: a VM that comes back under both may have its values back while they rest. */
  readonly holder: string;
  readonly values: readonly Value[];
  /** Those of a release that nobody else may have for a while. */
  readonly resting?: readonly Value[];
}

export interface Span {
  readonly space: string;
  readonly first: number;
  readonly last: number;
}

/** What the books say when nothing moves any more. */
export interface BooksAtRest {
  /** Every number that can be handed out. */
  readonly pools: readonly Span[];
  readonly free: readonly Span[];
  readonly held: readonly (Span & { readonly vmId: string })[];
  /** Resting, or held by others than VMs. */
  readonly withheld: readonly Span[];
  /** Names and MAC addresses. */
  readonly claimed: readonly { readonly value: Value; readonly vmId: string }[];
}

export interface Finding {
  readonly what:
    | 'held twice'
    | 'held while it rests for another'
    | 'not kept'
    | 'held by a VM that is gone'
    | 'lost'
    | 'counted twice';
  readonly value: Value;
  readonly text: string;
}

interface Hold {
  readonly value: Value;
  readonly vmId: string;
  readonly holder: string;
  readonly granted: HistoryEvent;
  released?: HistoryEvent;
}

/**
 * Whether any value had two holders, was given to somebody while it rested for another, or was not kept for its holder. Sound: what it
 * finds was so, since it counts a hold only from when it was surely granted to when it could first have been released. Two that overlap
 * for less than that stay unseen. `restMs`: how long released values rest; `clockMs`: what two readings of the clock may differ by.
 */
export function checkHistory(
  events: readonly HistoryEvent[],
  { restMs, clockMs = 5 }: { readonly restMs: number; readonly clockMs?: number },
): Finding[] {
  const findings: Finding[] = [];
  for (const holds of Map.groupBy(holdsIn(events), ({ value }) => value).values()) {
    findings.push(...meetings(holds, restMs - clockMs));
  }
  return findings;
}

/** What VMs surely hold at the end of the history, by value. */
const heldAtEnd = (events: readonly HistoryEvent[]): ReadonlyMap<Value, string> =>
  new Map(holdsIn(events).flatMap(({ value, vmId, released }) => (released === undefined ? [[value, vmId]] : [])));

/**
 * Whether the books at rest and the history agree: what was granted and not released is held by whom it was granted to, nobody else holds
 * anything, and every number of the pools is free, held or withheld: exactly one of them.
 */
export function checkBooks(events: readonly HistoryEvent[], books: BooksAtRest): Finding[] {
  const holders = new Map<Value, string>(books.claimed.map(({ value, vmId }) => [value, vmId]));
  for (const { space, first, last, vmId } of books.held) {
    for (let number = first; number <= last; number++) holders.set(numberIn(space, number), vmId);
  }
  const granted = heldAtEnd(events);
  const notKept = [...granted].flatMap(([value, vmId]): Finding[] => {
    const holder = holders.get(value) ?? 'nobody';
    return holder === vmId ? [] : [{ what: 'not kept', value, text: `${value} is ${vmId}’s, and ${holder} has it` }];
  });
  const living = new Set(granted.values());
  const leaked = [...holders].flatMap(([value, vmId]): Finding[] =>
    living.has(vmId) ? [] : [{ what: 'held by a VM that is gone', value, text: `${value} is still held for ${vmId}` }],
  );
  return [...notKept, ...leaked, ...miscounted(books)];
}

/** One for each time that a VM had a value, in the order of the events. */
function holdsIn(events: readonly HistoryEvent[]): Hold[] {
  const holds: Hold[] = [];
  const open = new Map<string, Hold>();
  for (const event of events) {
    const { kind, vmId, holder } = event;
    for (const value of event.values) {
      const key = `${vmId} ${value}`;
      const held = open.get(key);
      if (kind === 'granted' && held === undefined) {
        const hold: Hold = { value, vmId, holder, granted: event };
        holds.push(hold);
        open.set(key, hold);
      } else if (kind === 'released' && held !== undefined) {
        held.released = event;
        open.delete(key);
      }
    }
  }
  return holds;
}

const heldFrom = ({ granted }: Hold): number => granted.at.latest;
const heldUntil = ({ released }: Hold): number => released?.at.earliest ?? Number.POSITIVE_INFINITY;
const withheldUntil = (hold: Hold, restMs: number): number =>
  heldUntil(hold) + (hold.released?.resting?.includes(hold.value) ? restMs : 0);

/** The holds of one value that should not have met. */
function meetings(holds: readonly Hold[], restMs: number): Finding[] {
  const findings: Finding[] = [];
  let before: Hold[] = [];
  for (const hold of holds.toSorted((a, b) => heldFrom(a) - heldFrom(b))) {
    const from = heldFrom(hold);
    before = before.filter((other) => withheldUntil(other, restMs) > from);
    for (const other of before) {
      if (other.vmId === hold.vmId || heldUntil(hold) <= from) continue;
      const both = `${told(other)}, and ${told(hold)}`;
      if (heldUntil(other) > from) findings.push({ what: 'held twice', value: hold.value, text: both });
      else if (other.holder !== hold.holder) {
        findings.push({ what: 'held while it rests for another', value: hold.value, text: both });
      }
    }
    before.push(hold);
  }
  return findings;
}

const told = (hold: Hold): string =>
  `${hold.value} was ${hold.holder}’s (VM ${hold.vmId}, operation ${hold.granted.operationId} of ${hold.granted.client}) ` +
  `from ${heldFrom(hold).toFixed(1)} to ${heldUntil(hold).toFixed(1)} ms`;

/** Numbers of the pools that the books have not exactly once. */
function miscounted({ pools, free, held, withheld }: BooksAtRest): Finding[] {
  const findings: Finding[] = [];
  const counted = Map.groupBy([...free, ...held, ...withheld], ({ space }) => space);
  for (const [space, spans] of Map.groupBy(pools, (span) => span.space)) {
    const inPools = changesOf(spans);
    const inBooks = changesOf(counted.get(space) ?? []);
    const edges = [...new Set([...inPools.keys(), ...inBooks.keys()])].sort((a, b) => a - b);
    let [offered, found] = [0, 0];
    for (const [index, first] of edges.entries()) {
      offered += inPools.get(first) ?? 0;
      found += inBooks.get(first) ?? 0;
      if (offered === 0 || found === 1) continue;
      const value = numberIn(space, first);
      const text = `${space} ${first} to ${(edges[index + 1] ?? first + 1) - 1} are in the books ${found} times`;
      findings.push({ what: found === 0 ? 'lost' : 'counted twice', value, text });
    }
  }
  return findings;
}

/** By how much the number of spans that hold a number changes at each edge. */
function changesOf(spans: readonly Span[]): Map<number, number> {
  const changes = new Map<number, number>();
  const add = (at: number, by: number) => changes.set(at, (changes.get(at) ?? 0) + by);
  for (const { first, last } of spans) {
    add(first, 1);
    add(last + 1, -1);
  }
  return changes;
}
