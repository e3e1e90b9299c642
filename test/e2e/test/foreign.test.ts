import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { assertRouterEqualsApi, baseline, foreignPart, inParallel, names, startBerth } from '../src/index.ts';

const lan = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';

/** A person's rule and mapping that stand where Berth would choose first. */
const byHand = [
  'set nat destination rule 10000 description handmade',
  'set nat destination rule 10000 inbound-interface name eth0',
  'set nat destination rule 10000 protocol tcp',
  'set nat destination rule 10000 destination port 32001',
  'set nat destination rule 10000 translation address 10.10.0.5',
  'set nat destination rule 10000 translation port 22',
  `set ${lan} static-mapping scanner mac 52:54:00:AA:00:01`,
  `set ${lan} static-mapping scanner ip-address 10.10.0.2`,
].map((line) => {
  const [op, ...path] = line.split(' ');
  return { op, path };
});

const foreign = { mappings: [...baseline.mappings, 'scanner'], rules: [...baseline.rules, '10000'] };

test('what people made on the router stays byte for byte, is skipped when we choose, and is a conflict when the caller names it', async (t) => {
  const { api, router } = await startBerth(t, {
    env: { BERTH_DRIVER_PROBE_EVERY_MS: '200', BERTH_DRIVER_BREAKER_RESET_MS: '500' },
  });
  await router.person({ commands: byHand, save: true });
  await router.reboot(5_000); // long enough to be noticed, also on a busy machine; whoever reconnects reads the inventory again
  const health = async () => (await api.get('/v1/health')).body.status;
  await eventuallyHolds(async () => assert.equal(await health(), 'degraded'), { timeoutMs: 60_000 });
  await eventuallyHolds(async () => assert.equal(await health(), 'ok'), { timeoutMs: 60_000 });
  const before = foreignPart(await router.config(), foreign);
  await eventuallyHolds(
    async () => {
      // until the inventory has arrived, the driver refuses what collides; nothing of such a try is left
      const answer = await api.provision({ vm_name: 'probe', mac_address: '52:54:00:aa:00:01' });
      assert.equal(answer.status, 409, JSON.stringify(answer.body));
      assert.equal(answer.body.code, 'MAC_TAKEN');
    },
    { timeoutMs: 60_000 },
  );

  const answers = await inParallel(names('vm', 40), 16, (vm_name) => api.provision({ vm_name }));
  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [201]);
  for (const { body } of answers) {
    assert.notEqual(body.internal_ip, '10.10.0.2');
    assert.ok(!Object.values(body.external_ports).includes(32_001));
    assert.ok(body.nat_rule_base > 10_000);
  }

  const name = await api.provision({ vm_name: 'scanner' });
  assert.equal(name.status, 409, JSON.stringify(name.body));
  const port = await api.provision({
    vm_name: 'wants-port',
    ports: [{ name: 'game', internal_port: 99, external_port: 32_001 }],
  });
  assert.equal(port.status, 409, JSON.stringify(port.body));
  const address = await api.provision({
    vm_name: 'wants-address',
    ip_range: { first: '10.10.0.2', last: '10.10.0.2' },
  });
  assert.equal(address.status, 409, JSON.stringify(address.body));

  for (const { body } of answers) assert.equal((await api.decommission(body.machine_id)).status, 200);
  await eventuallyHolds(() => assertRouterEqualsApi(api, router, foreign));
  assert.equal(foreignPart(await router.config(), foreign), before);
});
