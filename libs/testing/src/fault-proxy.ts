import { connect, createServer, type Socket } from 'node:net';
import { lastly, type TestScope } from './test-scope.ts';

/** A TCP proxy between a client under test and its server. */
export interface FaultProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** Nothing passes any more in either direction; connections stay open and new ones are accepted. */
  stall(): void;
  resume(): void;
  /** Resets every open connection; new ones are accepted. */
  resetAll(): void;
  /** Every piece of data waits this long, in each direction, in order. */
  setLatencyMs(ms: number): void;
  /** Resets every connection and accepts no more, as a dead host's port would. */
  close(): Promise<void>;
}

/** Starts a proxy towards `target`; it is closed after all other clean-up of the test. */
export async function faultProxy(
  scope: TestScope,
  target: { readonly host: string; readonly port: number },
): Promise<FaultProxy> {
  const line = { stalled: false, latencyMs: 0 };
  const sockets = new Set<Socket>();
  const track = (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.setNoDelay(true);
    if (line.stalled) socket.pause();
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ ...target, allowHalfOpen: true });
    track(client);
    track(upstream);
    forward(client, upstream, line);
    forward(upstream, client, line);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The proxy has no port.');

  const resetAll = () => {
    for (const socket of sockets) reset(socket);
  };
  const close = async () => {
    resetAll();
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  lastly(scope, close);
  return {
    port: address.port,
    stall() {
      line.stalled = true;
      for (const socket of sockets) socket.pause();
    },
    resume() {
      line.stalled = false;
      for (const socket of sockets) socket.resume();
    },
    resetAll,
    setLatencyMs(ms) {
      line.latencyMs = ms;
    },
    close,
  };
}

function forward(from: Socket, to: Socket, line: { readonly latencyMs: number }): void {
  // A timer per piece keeps their order only while the latency stays the same, hence the chain.
  let previous: Promise<void> = Promise.resolve();
  const later = (send: () => void) => {
    const due = performance.now() + line.latencyMs;
    previous = previous.then(async () => {
      const waitMs = due - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (!to.destroyed) send();
    });
  };
  from.on('data', (chunk) => later(() => to.write(chunk)));
  from.on('end', () => later(() => to.end()));
  from.on('error', () => reset(to));
  from.on('close', (hadError) => {
    if (!hadError) later(() => to.end());
  });
}

/** Node 24 never frees a socket that is reset after its end() and then spins when the process exits. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else if (!socket.destroyed) socket.resetAndDestroy();
}
