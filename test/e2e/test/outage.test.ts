import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { allVms, assertRouterEqualsApi, inParallel, names, startBerth } from '../src/index.ts';

const fastTimers = { BERTH_DRIVER_PROBE_EVERY_MS: '300', BERTH_DRIVER_BREAKER_RESET_MS: '1000' };

test('while the router is away requests get 202 or 503 as they asked, health says so, and all accepted ones land when it is back', async (t) => {
  const { api, router, system } = await startBerth(t, { env: fastTimers });
  assert.equal((await api.provision({ vm_name: 'before' })).status, 201);
  await router.reboot(3_600_000); // away until it is told to come back

  await eventuallyHolds(
    async () => {
      const health = await api.get('/v1/health', { apiKey: null });
      assert.equal(health.status, 200, 'one router away is degraded, not down');
      assert.equal(health.body.status, 'degraded');
      assert.equal(health.body.vyos.default, 'breaker_open');
    },
    { timeoutMs: 30_000 },
  );

  const impatient = await api.provision({ vm_name: 'impatient' });
  assert.equal(impatient.status, 503, JSON.stringify(impatient.body));
  assert.ok(Number(impatient.headers.get('retry-after')) > 0);
  assert.equal((await api.get('/v1/vms/impatient/ports/status')).status, 404, '503 means that nothing was stored');

  const patient = await inParallel(names('patient', 20), 8, (vm_name) =>
    api.provision({ vm_name }, { headers: { prefer: 'respond-async' } }),
  );
  for (const answer of patient) assert.equal(answer.status, 202, JSON.stringify(answer.body));
  const removal = await api.decommission('before', { headers: { prefer: 'respond-async' } });
  assert.equal(removal.status, 202);

  const driver = system.services.find((service) => service.name.startsWith('vyos-driver'));
  const metrics = await (await fetch(`${driver?.url}/metrics`)).text();
  assert.match(metrics, /breaker[^\n]*open[^\n]*1/, 'the breaker is visible in the metrics');

  await router.reboot(0);
  await eventuallyHolds(
    async () => {
      for (const answer of [...patient, removal]) {
        const operation = await api.get(answer.headers.get('location') ?? '');
        assert.equal(operation.body.state, 'succeeded', JSON.stringify(operation.body));
      }
    },
    { timeoutMs: 30_000 },
  );
  assert.equal((await allVms(api)).length, 20);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
  await eventuallyHolds(async () => assert.equal((await api.get('/v1/health')).body.status, 'ok'));
});

test('a router that forgets what was not saved is made equal again without help', async (t) => {
  const { api, router } = await startBerth(t, { env: fastTimers });
  await router.fault({ kind: 'bad_gateway', endpoint: '/config-file' });
  await inParallel(names('vm', 10), 10, (vm_name) => api.provision({ vm_name }));
  await router.reboot(100);
  await router.clearFaults();
  await eventuallyHolds(() => assertRouterEqualsApi(api, router), { timeoutMs: 30_000 });
});
