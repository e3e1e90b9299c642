import { request } from 'node:https';
import type { Simulator } from '../src/index.ts';

/** What came back, as text. `body` is the envelope when the answer is JSON. */
export type Reply = {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
};
export type Envelope = { readonly success: boolean; readonly data: unknown; readonly error: string | null };

type Options = {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly signal?: AbortSignal;
};

/** Sends one request to the simulator's API, trusting exactly its certificate. */
export function send(
  simulator: Simulator,
  path: string,
  { method = 'POST', headers = {}, body = '', signal }: Options = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, ca: simulator.certificate, agent: false, ...(signal && { signal }) };
    const sent = request(`${simulator.url}${path}`, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          text: Buffer.concat(chunks).toString('utf8'),
          headers: response.headers,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** A JSON body with the simulator's key. */
export function sendJson(simulator: Simulator, path: string, body: object, signal?: AbortSignal): Promise<Reply> {
  return send(simulator, path, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...body, key: simulator.key }),
    ...(signal && { signal }),
  });
}

/** The same as `-F data=… -F key=…`. */
export function sendForm(simulator: Simulator, path: string, fields: Record<string, string>): Promise<Reply> {
  const boundary = '----form-of-a-test';
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return send(simulator, path, {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${parts.join('')}--${boundary}--\r\n`,
  });
}

export function envelopeOf(reply: Reply): Envelope {
  const parsed: unknown = JSON.parse(reply.text);
  if (
    typeof parsed !== 'object' ||
    parsed === null ||
    !('success' in parsed && 'data' in parsed && 'error' in parsed)
  ) {
    throw new Error(`not an envelope: ${reply.text}`);
  }
  return {
    success: parsed.success === true,
    data: parsed.data,
    error: typeof parsed.error === 'string' ? parsed.error : null,
  };
}

/** `/configure` with these commands: ['set', 'a b c', value?]. */
export async function configure(
  simulator: Simulator,
  ...commands: (readonly [op: string, path: string, value?: string])[]
): Promise<Reply & Envelope> {
  const list = commands.map(([op, path, value]) => ({
    op,
    path: path.split(' '),
    ...(value === undefined ? {} : { value }),
  }));
  const reply = await sendJson(simulator, '/configure', { commands: list });
  return { ...reply, ...envelopeOf(reply) };
}

export async function retrieve(simulator: Simulator, op: string, path: string): Promise<Reply & Envelope> {
  const reply = await sendJson(simulator, '/retrieve', { op, path: path === '' ? [] : path.split(' ') });
  return { ...reply, ...envelopeOf(reply) };
}
