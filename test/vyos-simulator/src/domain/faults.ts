import type { Path } from './config-tree.ts';

/** See the package's README for what each kind does. */
export const faultKinds = [
  'refuse_set',
  'refuse_commit',
  'gateway_timeout',
  'drop_connection',
  'bad_gateway',
  'hang',
  'locked',
  'success_false',
  'session_lost',
  'freeze',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export const faultEndpoints = [
  '/configure',
  '/configure-section',
  '/config-file',
  '/retrieve',
  '/show',
  'any',
] as const;
export type FaultEndpoint = (typeof faultEndpoints)[number];

/** A fault to be injected. Without `match` any request will do, without `times` it stays until cleared. */
export type Fault = {
  readonly kind: FaultKind;
  /** A path prefix (list, or text with blanks), or one name or value that stands anywhere in a path. */
  readonly match?: string | readonly string[];
  /** Only the nth eligible request from now on (1 = the next); the fault is spent with it. */
  readonly nth?: number;
  /** How often it strikes before it is spent. */
  readonly times?: number;
  /** The router's words, where the kind has any. */
  readonly text?: string;
  /** Default: the write endpoints that make edits. */
  readonly endpoint?: FaultEndpoint;
  /** gateway_timeout, drop_connection: answer at once, commit that many milliseconds later. Default: commit, then answer. */
  readonly afterMs?: number;
};

type Entry = { readonly fault: Fault; seen: number; left: number };

/** The faults in force. A request is shown to it once per kind it may suffer; the oldest fault that fits strikes. */
export class FaultBook {
  #entries: Entry[] = [];

  add(fault: Fault): void {
    this.#entries.push({
      fault,
      seen: 0,
      left: fault.nth === undefined ? (fault.times ?? Number.POSITIVE_INFINITY) : 1,
    });
  }

  clear(): void {
    this.#entries = [];
  }

  remove(kind: FaultKind): void {
    this.#entries = this.#entries.filter(({ fault }) => fault.kind !== kind);
  }

  /** The fault of one of these kinds that this request suffers, if any, and spends it. */
  strike(kinds: readonly FaultKind[], endpoint: string, paths: readonly Path[]): Fault | undefined {
    for (const entry of this.#entries) {
      if (!kinds.includes(entry.fault.kind) || !isAbout(entry.fault, endpoint, paths)) continue;
      entry.seen += 1;
      if (entry.fault.nth !== undefined && entry.seen !== entry.fault.nth) continue;
      entry.left -= 1;
      if (entry.left <= 0) this.#entries = this.#entries.filter((other) => other !== entry);
      return entry.fault;
    }
    return undefined;
  }
}

function isAbout(fault: Fault, endpoint: string, paths: readonly Path[]): boolean {
  const wanted = fault.endpoint;
  const isWrite = endpoint === '/configure' || endpoint === '/configure-section';
  const fits =
    wanted === undefined
      ? isWrite || (fault.kind === 'session_lost' && endpoint === '/config-file')
      : wanted === 'any' || wanted === endpoint;
  return fits && (fault.match === undefined || paths.some((path) => matches(fault.match, path)));
}

/** True when this path (with the value at its end) begins with the match, or holds it as one of its parts. */
export function matches(match: Fault['match'], path: Path): boolean {
  if (match === undefined) return true;
  const prefix = typeof match === 'string' ? match.split(' ').filter((part) => part !== '') : match;
  if (prefix.every((part, at) => path[at] === part)) return true;
  return typeof match === 'string' && path.includes(match);
}
