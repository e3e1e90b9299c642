import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, any of which could take a chosen port before it is listened on. */
const quiet = { from: 18_000, below: 32_000 };

/** True when nothing listens on this TCP port of `host`. Somebody may take it a moment later. */
export async function isPortFree(port: number, host = '127.0.0.1'): Promise<boolean> {
  return (await listenOnce(port, host)) !== undefined;
}

/** `preferred` when it is free, else a free port that no outgoing connection takes in the meantime, as long as there is one. */
export async function choosePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && (await isPortFree(preferred))) return preferred;
  for (let tries = 0; tries < 20; tries += 1) {
    const port = randomInt(quiet.from, quiet.below);
    if (await isPortFree(port)) return port;
  }
  const port = await listenOnce(0, '127.0.0.1');
  if (port === undefined) throw new Error('The system has no free TCP port on 127.0.0.1.');
  return port;
}

function listenOnce(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
