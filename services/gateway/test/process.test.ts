import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { AuthService, subjectOfMethod, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { connectBus, serve } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually, freshPrefix, type TestScope, testNats } from '@berth/testing';

const main = new URL('../src/main.ts', import.meta.url);

interface Ready {
  readonly api: string;
  readonly url: string;
}

/** Starts the real process; it is ended after the test. */
function startProcess(t: TestScope, env: Record<string, string>) {
  const child = fork(main, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  t.after(() => void child.kill('SIGKILL'));
  const ready = once(child, 'message').then(([message]) => message as Ready);
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  return { child, ready, exit, output: () => output };
}

async function stop({ child, exit }: { child: ChildProcess; exit: Promise<number | null> }): Promise<number | null> {
  child.kill('SIGTERM');
  return exit;
}

test('two replicas listen on one port, each says when it is ready, and stops with 0', async (t) => {
  const bus = { NATS_URL: (await testNats()).url, BERTH_SUBJECT_PREFIX: freshPrefix(t) };
  const env = { ...bus, BERTH_REUSE_PORT: '1', BERTH_OVERLOADED_AFTER_MS: '0' }; // a busy machine is not what this is about
  const first = startProcess(t, { ...env, PORT: '0' });
  const { api, url } = await first.ready;
  const second = startProcess(t, { ...env, PORT: new URL(api).port });
  assert.equal((await second.ready).api, api);
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  assert.equal(await stop(first), 0);
  assert.equal((await fetch(api)).status, 200);
  assert.equal(await stop(second), 0);
});

test('settings that are wrong stop the start, all of them named', async (t) => {
  const wrong = startProcess(t, { PORT: '99999', BERTH_WAIT_SECONDS: '121' });
  wrong.ready.catch(() => {});
  assert.equal(await wrong.exit, 78);
  for (const name of ['NATS_URL', 'PORT', 'BERTH_WAIT_SECONDS']) assert.match(wrong.output(), new RegExp(name));
});

test('with an exporter, a caller’s trace goes on through the gateway to the services', async (t) => {
  const natsUrl = (await testNats()).url;
  const prefix = freshPrefix(t);
  const bus = await connectBus({ url: natsUrl, prefix, name: 'test', log: createLogger('test', 'fatal') });
  t.after(() => bus.drain());
  const traceparents: string[] = [];
  bus.connection.subscribe(subjectOfMethod(prefix, VmService.method.provisionVm), {
    callback: (_error, message) => void traceparents.push(message.headers?.get('traceparent') ?? ''),
  });
  serve(bus, AuthService.method.verifyApiKey, async () => ({ principal: { id: '1', permissions: ['*'] } }));
  serve(bus, VmService.method.provisionVm, async () => {
    throw new DomainError('conflict', 'VM_NAME_TAKEN', 'Taken.');
  });
  await bus.connection.flush();
  const gateway = startProcess(t, {
    NATS_URL: natsUrl,
    BERTH_SUBJECT_PREFIX: prefix,
    PORT: '0',
    BERTH_OVERLOADED_AFTER_MS: '0',
    OTEL_TRACES_EXPORTER: 'console',
  });
  const { api } = await gateway.ready;
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const response = await fetch(`${api}/v1/vms/provision`, {
    method: 'POST',
    headers: {
      'x-api-key': 'k',
      'content-type': 'application/json',
      traceparent: `00-${traceId}-00f067aa0ba902b7-01`,
    },
    body: '{"vm_name":"a"}',
  });
  assert.equal(response.status, 409);
  assert.equal(((await response.json()) as { trace_id: string }).trace_id, traceId);
  assert.match(traceparents[0] ?? '', new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
  assert.equal(await stop(gateway), 0);
  await eventually(() => gateway.output().includes("name: 'POST /v1/vms/provision'"));
  assert.match(gateway.output(), /name: 'request ProvisionVm'/);
});
