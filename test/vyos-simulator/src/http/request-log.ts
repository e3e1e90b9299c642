import type { Counts } from '../router/counters.ts';
import type { RouterState } from '../router/router-state.ts';

/** One request to the API's port. */
export type LoggedRequest = {
  readonly method: string;
  readonly path: string;
  /** The decoded body without the key; null when it could not be decoded. */
  body: unknown;
  /** null: not answered (yet), or the connection was cut. */
  status: number | null;
  /** Milliseconds since 1970. */
  readonly started_ms: number;
  ended_ms: number | null;
  /** True when another request was in flight at some moment of this one. */
  overlapped: boolean;
};

type InFlight = { readonly entry: LoggedRequest; readonly kind: 'read' | 'write' | 'other'; besideWrite: boolean };

const WRITES = ['/configure', '/configure-section'];

/** Keeps the log and the counters of what overlapped. Holds at most the last 20,000 requests. */
export class RequestLog {
  readonly #entries: LoggedRequest[] = [];
  readonly #inFlight = new Set<InFlight>();
  readonly #router: RouterState;

  constructor(router: RouterState) {
    this.#router = router;
  }

  get entries(): readonly LoggedRequest[] {
    return this.#entries;
  }

  /** Notes a request; the returned function is called once when it has ended. */
  begin(
    method: string,
    path: string,
  ): { readonly entry: LoggedRequest; readonly end: (status: number | null) => void } {
    const { counters, clock } = this.#router;
    const overlapped = this.#inFlight.size > 0;
    const entry: LoggedRequest = {
      method,
      path,
      body: null,
      status: null,
      started_ms: clock.now(),
      ended_ms: null,
      overlapped,
    };
    const kind = path === '/retrieve' ? 'read' : WRITES.includes(path) ? 'write' : 'other';
    const flight: InFlight = { entry, kind, besideWrite: false };
    for (const other of this.#inFlight) meet(other, flight, counters);
    this.#inFlight.add(flight);
    this.#entries.push(entry);
    if (this.#entries.length > 20_000) this.#entries.shift();
    counters.requests += 1;
    counters.max_in_flight = Math.max(counters.max_in_flight, this.#inFlight.size);
    if (kind === 'read') {
      counters.reads += 1;
      const reads = [...this.#inFlight].filter((other) => other.kind === 'read').length;
      counters.reads_in_flight_max = Math.max(counters.reads_in_flight_max, reads);
    }
    const end = (status: number | null): void => {
      if (!this.#inFlight.delete(flight)) return;
      entry.status = status;
      entry.ended_ms = clock.now();
    };
    return { entry, end };
  }
}

function meet(other: InFlight, flight: InFlight, counters: Counts): void {
  other.entry.overlapped = true;
  if (other.kind === 'write' && flight.kind === 'write') counters.configures_overlapped += 1;
  for (const [one, two] of [
    [other, flight],
    [flight, other],
  ] as const) {
    if (one.kind !== 'read' || two.kind !== 'write' || one.besideWrite) continue;
    one.besideWrite = true;
    counters.reads_beside_write += 1;
  }
}

/** The body as it is logged: API keys are left out wherever the API accepts one. */
export function withoutKey(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  if (Array.isArray(body)) return body.map(withoutKey);
  return Object.fromEntries(
    Object.entries(body)
      .filter(([name]) => name !== 'key')
      .map(([name, value]) => [name, name === 'commands' ? withoutKey(value) : value]),
  );
}
