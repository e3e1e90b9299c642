/** A part of a configuration as `showConfig` gives it. */
export interface Config {
  readonly [name: string]: Config | string | readonly string[];
}

export interface Counters {
  readonly requests: number;
  readonly commits: number;
  readonly saves: number;
  readonly dhcp_restarts: number;
  readonly max_in_flight: number;
  readonly [more: string]: number;
}

/** A request that the router got. */
export interface LoggedRequest {
  readonly path: string;
  readonly status: number | null;
  /** Without the key. */
  readonly body: unknown;
  /** Milliseconds since 1970. */
  readonly started_ms: number;
  readonly ended_ms: number | null;
}

/** The simulated router's control interface. */
export class RouterControl {
  readonly #base: string;
  constructor(base: string) {
    this.#base = base;
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(this.#base + path, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  config = async (tree: 'running' | 'saved' = 'running') => (await this.#call('GET', `/config?tree=${tree}`)) as Config;
  counters = async () => (await this.#call('GET', '/counters')) as Counters;
  log = async () => (await this.#call('GET', '/log')) as readonly LoggedRequest[];
  latency = (latency: Record<string, unknown>) => this.#call('POST', '/latency', latency);
  fault = (fault: Record<string, unknown>) => this.#call('POST', '/faults', fault);
  clearFaults = () => this.#call('DELETE', '/faults');
  person = (edit: Record<string, unknown>) => this.#call('POST', '/person', edit);
  reboot = (downMs: number) => this.#call('POST', '/reboot', { down_ms: downMs });
}

/** What stands below a path; `{}` when nothing does. */
export function below(config: Config, ...path: readonly string[]): Config {
  let here: Config = config;
  for (const name of path) {
    const next = here[name];
    if (typeof next !== 'object' || Array.isArray(next)) return {};
    here = next as Config;
  }
  return here;
}
