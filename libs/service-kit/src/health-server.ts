import { createServer, type Server } from 'node:http';
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

async function readiness(
  checks: ReadonlyMap<string, ReadinessCheck>,
): Promise<{ ready: boolean; checks: Record<string, string> }> {
  const results = await Promise.all([...checks].map(async ([name, check]) => [name, await failureOf(check)] as const));
  return {
    ready: results.every(([, failure]) => failure === undefined),
    checks: Object.fromEntries(results.map(([name, failure]) => [name, failure === undefined ? 'ok' : 'failing'])),
  };
}

/** Starts the health server; port 0 lets the system choose. */
export async function startHealthServer(options: {
  host: string;
  port: number;
  metrics: Registry;
  checks: ReadonlyMap<string, ReadinessCheck>;
}): Promise<HealthServer> {
  const server: Server = createServer(async (request, response) => {
    const send = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type }).end(body);
    if (request.method !== 'GET') return send(405, 'text/plain', 'only GET\n');
    if (request.url === '/livez') return send(200, 'application/json', '{"status":"ok"}\n');
    if (request.url === '/metrics') return send(200, options.metrics.contentType, await options.metrics.metrics());
    if (request.url !== '/readyz') return send(404, 'text/plain', 'not found\n');
    const state = await readiness(options.checks);
    return send(state.ready ? 200 : 503, 'application/json', `${JSON.stringify(state)}\n`);
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
