import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { type Answer, assertRouterEqualsApi, type BerthUnderTest, startBerth } from '../src/index.ts';

const fast = {
  BERTH_WAIT_SECONDS: '3',
  BERTH_DRIVER_PROBE_EVERY_MS: '300',
  BERTH_DRIVER_BREAKER_RESET_MS: '500',
  BERTH_DRIVER_SETTLE_DELAY_MS: '50',
  BERTH_DRIVER_WRITE_TIMEOUT_MS: '1500',
};

/** Everything the simulator can do wrong, with what it is while it lasts. */
const faults: readonly (readonly [string, Record<string, unknown>])[] = [
  ['refuses a set', { kind: 'refuse_set', times: 1, text: 'Value validation failed' }],
  ['refuses a commit', { kind: 'refuse_commit', times: 1, text: 'something is not right' }],
  ['refuses the second commit from now', { kind: 'refuse_commit', nth: 2, text: 'something is not right' }],
  ['answers 504 and commits anyway', { kind: 'gateway_timeout', times: 1 }],
  ['answers 504 and commits a little later', { kind: 'gateway_timeout', times: 1, after_ms: 300 }],
  ['commits and drops the connection', { kind: 'drop_connection', times: 1 }],
  ['answers an HTML 502', { kind: 'bad_gateway', times: 2 }],
  ['hangs', { kind: 'hang', times: 1 }],
  ['is locked by another session', { kind: 'locked', times: 3 }],
  ['answers success:false with 200', { kind: 'success_false', times: 1 }],
  ['has lost its session', { kind: 'session_lost', times: 2 }],
  ['cannot be read', { kind: 'bad_gateway', endpoint: '/retrieve', times: 3 }],
  ['cannot save', { kind: 'bad_gateway', endpoint: '/config-file', times: 2 }],
];

/** What clients ask for; each must end right or honestly, whatever the router does. */
const steps: readonly (readonly [string, (berth: BerthUnderTest, name: string) => Promise<Answer>])[] = [
  ['provisioning', ({ api }, name) => api.provision({ vm_name: `${name}-new` })],
  ['pausing ports', ({ api }, name) => api.post(`/v1/vms/${name}-a/ports/template`, { action: 'pause' })],
  ['decommissioning', ({ api }, name) => api.decommission(`${name}-b`)],
];

test('a router that fails', async (t) => {
  const berth = await startBerth(t, { env: fast });
  const { api, router } = berth;

  for (const [index, [what, fault]] of faults.entries()) {
    await t.test(`${what}: every answer is right or honest, and afterwards router and database are equal`, async () => {
      const operations: string[] = [];
      for (const [at, [step, run]] of steps.entries()) {
        const name = `f${index}-${at}`;
        for (const vm_name of [`${name}-a`, `${name}-b`]) {
          const answer = await api.provision({ vm_name });
          assert.equal(answer.status, 201, `${step}: ${JSON.stringify(answer.body)}`);
        }
        await router.fault(fault);
        const answer = await run(berth, name);
        assert.ok(
          [200, 201, 202, 502, 503].includes(answer.status),
          `${step}: ${answer.status} ${JSON.stringify(answer.body)}`,
        );
        if (answer.status === 202) operations.push(answer.headers.get('location') ?? '');
        await router.clearFaults();
        await eventuallyHolds(async () => assert.equal((await api.get('/v1/health')).body.status, 'ok'), {
          timeoutMs: 30_000,
        });
      }
      await eventuallyHolds(
        async () => {
          for (const location of operations) assert.match((await api.get(location)).body.state, /succeeded|failed/);
          assert.equal((await api.get('/v1/health')).body.status, 'ok');
          await assertRouterEqualsApi(api, router);
        },
        { timeoutMs: 30_000 },
      );
    });
  }
});
