import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { portOf } from '../http/front-server.ts';
import { NoWayBack, refuseDowngrade } from '../profile/migrate.ts';
import { PersonRefused } from '../router/person.ts';
import type { SimulatedRouter } from '../simulated-router.ts';
import {
  BadControlRequest,
  parseFault,
  parseLatency,
  parsePersonEdit,
  parseReboot,
  parseReplace,
} from './control-requests.ts';

type Reply = { readonly status: number; readonly body: unknown };
type Handler = (router: SimulatedRouter, query: URLSearchParams, body: unknown) => Reply | Promise<Reply>;

const REFUSALS = [BadControlRequest, PersonRefused, NoWayBack];
const ok = (body: unknown = { ok: true }): Reply => ({ status: 200, body });

const handlers: Record<string, Handler> = {
  'GET /config': (router, query) => {
    const tree = query.get('tree') ?? 'running';
    if (tree !== 'running' && tree !== 'saved') throw new BadControlRequest('tree must be running or saved');
    return ok(router.config(tree));
  },
  'GET /counters': (router) => ok(router.counters()),
  'GET /log': (router) => ok(router.log()),
  'POST /latency': (router, _query, body) => {
    router.setLatency(parseLatency(body));
    return ok();
  },
  'POST /faults': (router, _query, body) => {
    router.addFault(parseFault(body));
    return ok();
  },
  'DELETE /faults': (router) => {
    router.clearFaults();
    return ok();
  },
  'POST /person': async (router, _query, body) => {
    await router.person(parsePersonEdit(body));
    return ok();
  },
  'POST /reboot': (router, _query, body) => {
    const options = parseReboot(body);
    if (options.profile !== undefined) refuseDowngrade(router.profile, options.profile);
    void router.reboot(options);
    return ok();
  },
  'POST /replace': (router, _query, body) => {
    void router.replace(parseReplace(body));
    return ok();
  },
};

/** Serves the control interface: plain HTTP on 127.0.0.1, JSON both ways. */
export async function openControlServer(router: SimulatedRouter, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    reply(router, request).then(
      ({ status, body }) => send(response, status, body),
      (error: unknown) =>
        send(response, REFUSALS.some((kind) => error instanceof kind) ? 400 : 500, {
          error: String(error instanceof Error ? error.message : error),
        }),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

export const controlUrlOf = (server: Server): string => `http://127.0.0.1:${portOf(server)}`;

async function reply(router: SimulatedRouter, request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? '/', 'http://control');
  const handler = handlers[`${request.method} ${url.pathname}`];
  if (handler === undefined)
    return { status: 404, body: { error: `no such thing; known: ${Object.keys(handlers).join(', ')}` } };
  return handler(router, url.searchParams, await jsonBody(request));
}

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw new BadControlRequest('the body is not JSON');
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
