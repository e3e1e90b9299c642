// A real, very small service that keeps the contract of services/*/src/main.ts, so that the tests here start in a moment.
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { PORT, GRPC_PORT, BERTH_REUSE_PORT, BERTH_ADMIN_KEY_FILE: keyFile } = process.env;
if (keyFile !== undefined && !existsSync(keyFile)) writeFileSync(keyFile, 'berth_made_by_the_test\n', { mode: 0o600 });

if (process.env['TINY_FAILS'] === '1') {
  console.error('a setting is wrong');
  process.exit(78);
}
const server = createServer((_request, response) => response.end(String(process.pid)));
const isGateway = PORT !== undefined;
server.listen({ port: Number(PORT ?? GRPC_PORT ?? 0), host: '127.0.0.1', reusePort: BERTH_REUSE_PORT === '1' }, () => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}`;
  if (process.env['TINY_NEVER_READY'] === '1') return;
  process.send?.({
    ...{ type: 'ready', name: 'tiny', url },
    ...(isGateway ? { api: url } : {}),
    ...(GRPC_PORT === undefined ? {} : { grpc: `127.0.0.1:${address.port}` }),
  });
});
const end = () => {
  console.log('stopping');
  server.close();
  process.exit(0);
};
process.once('SIGTERM', end);
process.once('disconnect', end);
