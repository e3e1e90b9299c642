import type { App } from '../app-types.ts';

/** Once the server stops, every connection ends with the answer it waits for: one that is kept would hold up the stop for a minute. */
export function endConnectionsAtStop(app: App): void {
  let stops = false;
  app.addHook('preClose', async () => {
    stops = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    if (stops) reply.header('Connection', 'close');
  });
  // An answer whose head was sent before could not say so.
  app.addHook('onResponse', async () => {
    if (stops) setImmediate(() => app.server.closeIdleConnections());
  });
}
