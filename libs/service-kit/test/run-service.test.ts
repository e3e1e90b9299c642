import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '@berth/testing';

const script = fileURLToPath(new URL('tiny-service.ts', import.meta.url));

interface Tiny {
  readonly process: ChildProcess;
  readonly output: () => string;
  readonly errors: () => string;
  /** The messages of its log lines. */
  readonly said: () => string[];
  readonly ready: Promise<{ name: string; url: string; api: string }>;
  readonly exitCode: Promise<number | null>;
}

function startTiny(t: TestContext, env: Record<string, string> = {}): Tiny {
  const child = fork(script, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    errors += String(chunk);
  });
  const ready = new Promise<{ name: string; url: string; api: string }>((resolve) => {
    child.on('message', (message: { type: string; name: string; url: string; api: string }) => {
      if (message.type === 'ready') resolve(message);
    });
  });
  return {
    process: child,
    output: () => output,
    errors: () => errors,
    said: () =>
      output
        .split('\n')
        .filter((line) => line !== '')
        .map((line): string => JSON.parse(line).msg),
    ready,
    exitCode: exitOf(child),
  };
}

/** Not 'close': it does not come after the parent's disconnect. */
async function exitOf(child: ChildProcess): Promise<number | null> {
  const outputs = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const [[code]] = await Promise.all([once(child, 'exit'), ...outputs.map((stream) => once(stream, 'close'))]);
  return code;
}

describe('runService', { concurrency: 2 }, () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} stops the parts in reverse order, even when it comes twice, and the exit code is 0`, async (t) => {
      const tiny = startTiny(t);
      const { name, url, api } = await tiny.ready;
      assert.deepEqual([name, api], ['tiny', 'http://127.0.0.1:1']);
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
      tiny.process.kill(signal);
      tiny.process.kill(signal);
      assert.equal(await tiny.exitCode, 0);
      assert.deepEqual(tiny.said().slice(-5), [
        'service ready',
        'service stopping',
        'last registered is stopped first',
        'first registered is stopped last',
        'service stopped',
      ]);
    });
  }

  test('it stops when its parent lets go of it', async (t) => {
    const tiny = startTiny(t);
    await tiny.ready;
    tiny.process.disconnect();
    assert.equal(await tiny.exitCode, 0);
    assert.match(tiny.output(), /parent is gone/);
  });

  test('all bad settings are named at once, without their values, and the exit code is 78', async (t) => {
    const tiny = startTiny(t, { TINY_SIZE: 'planted-77', TINY_URL: 'planted-url', BERTH_LOG_LEVEL: 'planted-loud' });
    assert.equal(await tiny.exitCode, 78);
    for (const name of ['TINY_SIZE', 'TINY_URL', 'BERTH_LOG_LEVEL']) assert.match(tiny.errors(), new RegExp(name));
    assert.ok(!`${tiny.errors()}${tiny.output()}`.includes('planted'), tiny.errors());
  });

  test('settings that only the set-up can refuse have the exit code 78 too', async (t) => {
    const tiny = startTiny(t, { TINY_MODE: 'refuses its settings' });
    assert.equal(await tiny.exitCode, 78);
    assert.match(tiny.errors(), /TINY_MODE does not go with the database/);
    assert.ok(tiny.said().includes('service stopped'), 'what was set up is stopped');
  });

  for (const mode of ['fails at start', 'fails later', 'rejects later']) {
    test(`a service that ${mode} stops what it has set up, and the exit code is 1`, async (t) => {
      const tiny = startTiny(t, { TINY_MODE: mode });
      assert.equal(await tiny.exitCode, 1);
      const said = tiny.said();
      assert.ok(said.includes('service failed') && said.includes('first registered is stopped last'), said.join());
      assert.equal(said.includes('service ready'), mode !== 'fails at start');
    });
  }

  test('a signal during the start stops it, and readiness is never announced', async (t) => {
    const tiny = startTiny(t, { TINY_MODE: 'never starts', HEALTH_PORT: '0', BERTH_LOG_LEVEL: 'debug' });
    let announced = false;
    void tiny.ready.then(() => {
      announced = true;
    });
    // Its signal handlers are there before anything is set up; a signal before them simply ends the process.
    await eventually(() => tiny.process.pid !== undefined && tiny.process.connected);
    await new Promise<void>((resolve) => {
      const asking = setInterval(() => tiny.process.send('modules'), 20);
      tiny.process.on('message', () => {
        clearInterval(asking);
        resolve();
      });
    });
    tiny.process.kill('SIGTERM');
    assert.equal(await tiny.exitCode, 0);
    assert.equal(announced, false);
    assert.ok(tiny.said().includes('first registered is stopped last'));
  });

  test('a part that fails to stop hinders no other', async (t) => {
    const tiny = startTiny(t, { TINY_MODE: 'stop fails' });
    await tiny.ready;
    tiny.process.kill('SIGTERM');
    assert.equal(await tiny.exitCode, 0);
    assert.ok(tiny.said().includes('stopping a part failed'));
    assert.ok(tiny.said().includes('first registered is stopped last'));
  });

  test('a stop that takes too long is cut short with the exit code 1', async (t) => {
    const tiny = startTiny(t, { TINY_MODE: 'stops for ever', BERTH_STOP_TIMEOUT_MS: '200' });
    await tiny.ready;
    tiny.process.kill('SIGTERM');
    assert.equal(await tiny.exitCode, 1);
    assert.ok(tiny.said().includes('stop took too long'));
  });

  test('readiness follows its conditions, is announced when they first hold, and ends with the stop', async (t) => {
    const tiny = startTiny(t, { TINY_MODE: 'ready late', HEALTH_PORT: '0' });
    let announced = false;
    void tiny.ready.then(() => {
      announced = true;
    });
    await eventually(() => tiny.said().includes('inside a span'));
    await new Promise((resolve) => setTimeout(resolve, 250)); // long enough for a false announcement
    assert.equal(announced, false);
    tiny.process.send('hold');
    const { url } = await tiny.ready;
    const readyz = async () => (await fetch(`${url}/readyz`)).status;
    assert.equal(await readyz(), 200);
    tiny.process.send('let go');
    await eventually(async () => (await readyz()) === 503);
    assert.deepEqual(await (await fetch(`${url}/readyz`)).json(), {
      ready: false,
      checks: { running: 'ok', held: 'failing' },
    });
    assert.equal((await fetch(`${url}/livez`)).status, 200);
    assert.match(await (await fetch(`${url}/metrics`)).text(), /process_cpu_user_seconds_total\{service="tiny"\}/);
    assert.equal((await fetch(`${url}/other`)).status, 404);
    assert.equal((await fetch(`${url}/livez`, { method: 'POST' })).status, 405);
  });

  test('spans reach the receiver that is configured, and log lines carry their trace', async (t) => {
    const bodies: Buffer[] = [];
    const receiver = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      if (request.url === '/v1/traces') bodies.push(Buffer.concat(chunks));
      response.writeHead(200).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    t.after(() => receiver.close());
    const { port } = receiver.address() as AddressInfo;
    const tiny = startTiny(t, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    await tiny.ready;
    tiny.process.kill('SIGTERM');
    assert.equal(await tiny.exitCode, 0);
    const sent = Buffer.concat(bodies).toString('latin1');
    assert.match(sent, /berth-tiny/);
    assert.match(sent, /tiny work/);
    const line = tiny
      .output()
      .split('\n')
      .find((one) => one.includes('inside a span'));
    const { traceId } = JSON.parse(line ?? '{}');
    assert.match(traceId, /^[0-9a-f]{32}$/);
    assert.ok(sent.includes(Buffer.from(traceId, 'hex').toString('latin1')));
  });

  test('a receiver that is away delays the stop by seconds at most and does not fail it', async (t) => {
    const tiny = startTiny(t, { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    await tiny.ready;
    tiny.process.kill('SIGTERM');
    assert.equal(await tiny.exitCode, 0);
  });

  test('without a receiver the tracing library is not even loaded', async (t) => {
    const tiny = startTiny(t, { OTEL_TRACES_EXPORTER: 'none' });
    await tiny.ready;
    const answer = new Promise<boolean>((resolve) => {
      tiny.process.on('message', (message: { type: string; sdk: boolean }) => {
        if (message.type === 'modules') resolve(message.sdk);
      });
    });
    tiny.process.send('modules');
    assert.equal(await answer, false);
  });
});
