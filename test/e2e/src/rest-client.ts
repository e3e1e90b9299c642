import { randomUUID } from 'node:crypto';

/** An answer of the API with its body read. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The JSON body; undefined when there is none. Tests check what they read of it. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  readonly body: any;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** null sends no key. */
  readonly apiKey?: string | null;
}

/** Calls the REST API as any client would. */
export class RestClient {
  readonly #base: string;
  readonly #apiKey: string;
  constructor(base: string, apiKey: string) {
    this.#base = base;
    this.#apiKey = apiKey;
  }

  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const key = options.apiKey === undefined ? this.#apiKey : options.apiKey;
    const response = await fetch(this.#base + path, {
      method,
      headers: {
        ...(key === null ? {} : { 'x-api-key': key }),
        ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(options.body === undefined
        ? {}
        : { body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body) }),
      signal: AbortSignal.timeout(150_000),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
  }

  get = (path: string, options?: CallOptions) => this.call('GET', path, options);
  post = (path: string, body: unknown, options?: CallOptions) => this.call('POST', path, { ...options, body });
  delete = (path: string, options?: CallOptions) => this.call('DELETE', path, options);

  provision = (body: Record<string, unknown>, options?: CallOptions) => this.post('/v1/vms/provision', body, options);
  decommission = (machineId: string, options?: CallOptions) =>
    this.delete(`/v1/vms/${machineId}/decommission`, options);

  /**
   * As a client that does not give up: one idempotency key, sent again after a lost connection, 5xx, 409 (still running) or 202,
   * until the operation has ended. Gives the final answer.
   */
  async until(method: string, path: string, body: unknown, deadlineMs: number): Promise<Answer> {
    const headers = { 'idempotency-key': randomUUID() };
    const end = Date.now() + deadlineMs;
    for (;;) {
      const answer = await this.call(method, path, { body, headers }).catch(() => undefined);
      const again =
        answer === undefined ||
        ([202, 409, 429, 500, 503, 504].includes(answer.status) && answer.body?.code !== 'VM_NAME_TAKEN');
      if (!again && answer !== undefined) return answer;
      if (Date.now() > end)
        throw new Error(
          `no final answer to ${method} ${path} in ${deadlineMs} ms; the last was ${answer?.status} ${JSON.stringify(answer?.body)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 100)); // the pause of a polite client, not a wait for a state
    }
  }
}
