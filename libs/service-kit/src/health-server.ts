import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** A named condition of readiness. Resolves when it holds; throws with the reason when it does not. */
export type ReadinessCheck = () => Promise<void> | void;

/** `/livez`, `/readyz` and `/metrics` of a service, on a port of its own that is not for the public. */
export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

const checkDeadlineMs = 2_000;

async function failureOf(check: ReadinessCheck): Promise<string | undefined> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), checkDeadlineMs);
  try {
    await Promise.race([check(), late]);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
  }
}

/** All conditions at once, each with a deadline of its own. */
export async function readiness(
  checks: ReadonlyMap<string, ReadinessCheck>,
): Promise<{ ready: boolean; checks: Record<string, string> }> {
  const results = await Promise.all([...checks].map(async ([name, check]) => [name, await failureOf(check)] as const));
  return {
    ready: results.every(([, failure]) => failure === undefined),
    checks: Object.fromEntries(results.map(([name, failure]) => [name, failure === undefined ? 'ok' : 'failing'])),
  };
}

type Answer = { readonly status: number; readonly type: string; readonly body: string };

async function answerTo(
  request: IncomingMessage,
  { metrics, checks }: { metrics: Registry; checks: ReadonlyMap<string, ReadinessCheck> },
): Promise<Answer> {
  const text = (status: number, body: string): Answer => ({ status, type: 'text/plain', body });
  const json = (status: number, body: object): Answer => ({
    status,
    type: 'application/json',
    body: `${JSON.stringify(body)}\n`,
  });
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET\n');
  const path = request.url?.replace(/\?.*$/, '');
  if (path === '/livez') return json(200, { status: 'ok' });
  if (path === '/metrics') return { status: 200, type: metrics.contentType, body: await metrics.metrics() };
  if (path !== '/readyz') return text(404, 'not found\n');
  const state = await readiness(checks);
  return json(state.ready ? 200 : 503, state);
}

/** Starts the health server; port 0 lets the system choose. */
export async function startHealthServer(options: {
  host: string;
  port: number;
  metrics: Registry;
  checks: ReadonlyMap<string, ReadinessCheck>;
}): Promise<HealthServer> {
  const server: Server = createServer(async (request, response) => {
    const { status, type, body } = await answerTo(request, options).catch((error) => ({
      status: 500,
      type: 'text/plain',
      body: `${error instanceof Error ? error.name : 'failure'}\n`, // a failing metric must not end the process
    }));
    response.writeHead(status, { 'content-type': type }).end(body);
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port, options.host, resolve);
  await promise;
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    close: () => new Promise((done) => server.close(() => done()) && server.closeAllConnections()),
  };
}
