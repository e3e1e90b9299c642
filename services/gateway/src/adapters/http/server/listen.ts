import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../app-types.ts';

/** Where to listen. */
export interface ListenOptions {
  readonly host: string;
  readonly port: number;
  readonly reusePort: boolean;
}

/** A machine that is busier than that for other reasons is told so by refusals. */
const longestCalmingMs = 10_000;

/** Starts to listen; gives back the address as a client on this machine would write it. */
export async function listen(app: App, { host, port, reusePort }: ListenOptions): Promise<string> {
  await app.ready();
  await untilCalm(app);
  // Fastify hands its options on to Node, which knows reusePort; its types do not.
  await app.listen(Object.assign({ host, port }, reusePort ? { reusePort } : {}));
  const address = app.server.address() as AddressInfo;
  const anyHost = host === '0.0.0.0' || host === '::';
  const shown = anyHost ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${address.port}`;
}

/**
 * Building the server holds the event loop, on a busy machine for seconds, and its delay is measured by the second: nobody shall be refused
 * (503 OVERLOADED) for what was over before they came.
 */
async function untilCalm(app: App): Promise<void> {
  const end = performance.now() + longestCalmingMs;
  do
    await sleep(20); // lets the measurement see what held it
  while (app.isUnderPressure() && performance.now() < end);
}
