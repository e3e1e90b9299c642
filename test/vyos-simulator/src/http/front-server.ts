import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const TLS_HANDSHAKE = 0x16;

/**
 * The router's port: TLS, and a redirect for whoever speaks plain HTTP to it. It can be closed and opened again on the
 * same port, as a reboot does.
 */
export class FrontServer {
  readonly #sockets = new Set<Socket>();
  readonly #accept: (socket: Socket) => void;
  #listener: Server | undefined;
  #port: number;

  constructor(
    port: number,
    tls: { readonly key: string; readonly cert: string },
    handle: RequestListener,
    redirect: RequestListener,
  ) {
    this.#port = port;
    const secure = createHttpsServer(
      { key: tls.key, cert: tls.cert, keepAliveTimeout: 75_000, requestTimeout: 0 },
      handle,
    );
    const plain = createHttpServer(redirect);
    secure.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#accept = (socket) => {
      this.#sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      socket.once('readable', () => {
        const first: unknown = socket.read(1);
        if (!Buffer.isBuffer(first)) return;
        socket.unshift(first);
        (first[0] === TLS_HANDSHAKE ? secure : plain).emit('connection', socket);
      });
    };
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    const listener = createServer({ noDelay: true }, this.#accept);
    listener.listen(this.#port, '127.0.0.1');
    await once(listener, 'listening');
    this.#port = portOf(listener);
    this.#listener = listener;
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    const listener = this.#listener;
    this.#listener = undefined;
    for (const socket of this.#sockets) socket.destroy();
    if (listener === undefined) return;
    await new Promise((resolve) => listener.close(resolve));
  }
}

/** The port that the system chose for a server that listens. */
export function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
