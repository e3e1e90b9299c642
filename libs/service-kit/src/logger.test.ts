import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { createLogger } from './logger.ts';
import { inRequest } from './request-context.ts';

const secret = 'correct-horse-battery';

function recorded() {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLogger('tiny', 'trace', sink);
  return { log, text: () => lines.join(''), last: (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}') };
}

test('fields named like secrets never reach the log, however deep and however they are written', () => {
  const { log, text, last } = recorded();
  for (const name of [
    'apiKey',
    'api_key',
    'API-KEY',
    'x-api-key',
    'X-Api-Key',
    'authorization',
    'password',
    'token',
    'databaseUrl',
    'cookie',
  ]) {
    log.info({ [name]: secret }, 'plain');
    log.info({ headers: { [name]: secret } }, 'nested');
    log.info({ req: { headers: { [name]: secret } } }, 'deep');
    log.info({ a: [{ b: { c: { [name]: [secret] } } }] }, 'deeper');
    log.child({ [name]: secret }).info('bound');
    log.child({ config: { [name]: secret } }).info({ [name]: { value: secret } }, 'bound deeper');
  }
  assert.ok(!text().includes(secret), text());
  assert.equal(last()['msg'], 'bound deeper');
});

test('errors keep their message, stack and cause, without the secrets of their fields', () => {
  const { log, text, last } = recorded();
  const cause = Object.assign(new Error('inner'), { options: { headers: { authorization: secret } } });
  log.error({ err: Object.assign(new Error('outer', { cause }), { code: 'E1', password: secret }) }, 'failed');
  const { err } = last() as { err: Record<string, unknown> };
  assert.match(String(err['stack']), /outer/);
  assert.equal(err['code'], 'E1');
  assert.match(JSON.stringify(err['cause']), /inner/);
  assert.ok(!text().includes(secret));
});

test('passwords in URLs, API keys and refresh tokens are replaced wherever they stand', () => {
  const { log, text } = recorded();
  const key = `berth_Ab3dEf9h_${'x'.repeat(49)}`;
  log.info({ note: `connecting to postgres://berth:${secret}@db:5432/berth` }, `key ${key} was refused`);
  log.error(new Error(`nats://user:${secret}@bus is away`));
  assert.ok(!text().includes(secret) && !text().includes(key), text());
  assert.match(text(), /postgres:\/\/berth:\[redacted\]@db:5432\/berth/);
  assert.match(text(), /key berth_Ab3dEf9h_\[redacted\] was refused/);
  const refreshToken = `brt_-${'y'.repeat(42)}`;
  log.info({ requestId: refreshToken }, 'request');
  assert.ok(!text().includes(refreshToken) && text().includes('"requestId":"brt_[redacted]"'), text());
});

test('what is no secret stays as it is, cycles included', () => {
  const { log, last } = recorded();
  const cyclic: Record<string, unknown> = { when: new Date(0), nothing: null };
  cyclic['self'] = cyclic;
  log.info({ vmId: 'vm-1', count: 3, cyclic, list: ['a', 1] }, 'fact');
  const line = last();
  assert.deepEqual(
    [line['vmId'], line['count'], line['list'], line['level'], line['service']],
    ['vm-1', 3, ['a', 1], 'info', 'tiny'],
  );
  assert.equal((line['cyclic'] as Record<string, unknown>)['when'], '1970-01-01T00:00:00.000Z');
});

test('each line of a request carries its id, and its trace when there is one', () => {
  const { log, last } = recorded();
  inRequest({ requestId: 'r-1' }, () => log.info('inside'));
  assert.equal(last()['requestId'], 'r-1');
  log.info('outside');
  assert.ok(!('requestId' in last()) && !('traceId' in last()));
  const span = trace.wrapSpanContext({
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    traceFlags: TraceFlags.SAMPLED,
  });
  const manager = {
    active: () => trace.setSpan(ROOT_CONTEXT, span),
    with: <T>(_context: unknown, work: () => T): T => work(),
    bind: <T>(_context: unknown, target: T): T => target,
    enable() {
      return this;
    },
    disable() {
      return this;
    },
  };
  context.setGlobalContextManager(manager as Parameters<typeof context.setGlobalContextManager>[0]);
  log.info('traced');
  context.disable();
  assert.equal(last()['traceId'], 'a'.repeat(32));
});
