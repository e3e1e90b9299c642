import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { generate } from 'selfsigned';

/** What stands behind the TLS port: gets each request with its whole body. */
export type Answering = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A TLS server that answers as a test tells it, for what happens between client and router. The router's own manners are the simulator's. */
export interface TlsRouter {
  readonly port: number;
  /** PEM, self-signed. */
  readonly certificate: string;
  /** SHA-256, as OpenSSL prints it. */
  readonly fingerprint: string;
  /** Every request that arrived whole, oldest first. */
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** How many connections were opened and checked, and how many bytes came in over them. */
  readonly seen: { connections: number; bytes: number };
  answer(how: Answering): void;
  /** Ends every connection; resolves when the other sides have noticed. */
  hangUp(): Promise<void>;
  /** Refuses connections until `listen`. */
  stop(): Promise<void>;
  listen(): Promise<void>;
}

export const success = (data: unknown): Answering => sending(200, { success: true, data, error: null });

/** The content type is that of the router, which is never JSON. */
export const sending =
  (status: number, body: object | string): Answering =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** Starts one for the length of a test. `name`: the host name that its certificate is for. */
export async function startTlsRouter(t: TestContext, name = '127.0.0.1'): Promise<TlsRouter> {
  const alternative = /^[\d.]+$/.test(name) ? { type: 7 as const, ip: name } : { type: 2 as const, value: name };
  const made = await generate([{ name: 'commonName', value: name }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [alternative] }],
  });
  const requests: TlsRouter['requests'] = [];
  const seen = { connections: 0, bytes: 0 };
  const sockets = new Set<Socket>();
  const secured = new Set<TLSSocket>();
  let how = success(null);
  const server = createServer({ key: made.private, cert: made.cert }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      requests.push({ path: request.url ?? '', headers: request.headers, body });
      how(request, response, body);
    });
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => {
    seen.connections += 1;
    secured.add(socket);
    socket.on('close', () => secured.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
    });
  });
  let port = 0;
  const router: TlsRouter = {
    get port() {
      return port;
    },
    certificate: made.cert,
    fingerprint: new X509Certificate(made.cert).fingerprint256,
    requests,
    seen,
    answer: (next) => {
      how = next;
    },
    hangUp: async () => {
      // Each side closes when the other one has ended as well.
      await Promise.all([...secured].map((socket) => once(socket.end(), 'close')));
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
    listen: async () => {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      port = (server.address() as AddressInfo).port;
    },
  };
  await router.listen();
  t.after(() => router.stop());
  return router;
}
