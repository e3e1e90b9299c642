import type { AddressInfo } from 'node:net';
import type { App } from '../app-types.ts';

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
}

/** Starts to listen; gives back the address as a client on this machine would write it. */
export async function listen(app: App, { host, port, reusePort }: ListenOptions): Promise<string> {
  // Fastify hands its options on to Node, which knows reusePort; its types do not.
  await app.listen(Object.assign({ host, port }, reusePort ? { reusePort } : {}));
  const address = app.server.address() as AddressInfo;
  const anyHost = host === '0.0.0.0' || host === '::';
  const shown = anyHost ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${address.port}`;
}
