import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortAction } from '@berth/contracts';
import { numbersOutOfStep } from '../support/with-pools.ts';
import { makeWorld } from '../support/world.ts';
import { firstVersionDatabase, vmId } from './first-version.ts';

test('a database of the first version comes to have managed pools, and everything goes on', async (t) => {
  const databaseUrl = await firstVersionDatabase(t);
  const world = await makeWorld(t, { databaseUrl, routerKnown: false });
  const { ipPool, portPool, rulePool } = await world.vm('vm');
  assert.deepEqual([ipPool, portPool, rulePool], ['ip-pools/default', 'port-pools/default', 'rule-pools/default']);
  const pools = await world.query("SELECT DISTINCT from_settings, spec = '{}' AS empty, router FROM pools");
  assert.deepEqual(pools, [{ from_settings: true, empty: false, router: 'default' }]);
  assert.deepEqual(await numbersOutOfStep(world).then((wrong) => wrong.length), 0);

  const next = await world.provision({ vmName: 'next' });
  const { desired } = await world.driver.change(next.vmId);
  assert.deepEqual(
    [desired?.mapping?.ipAddress, desired?.rules[0]?.destinationPort, desired?.rules[0]?.number],
    ['10.0.0.3', '32001', 10_003],
  );
  await world.changePorts('vm', PortAction.CREATE, ['http']);
  const changed = await world.driver.change(vmId, 2n);
  assert.deepEqual(
    changed.desired?.rules.map(({ number, destinationPort }) => [number, destinationPort]),
    [
      [10_000, '32000'],
      [10_001, '32004'],
    ],
  );
});

test('a VM of the first version whose address is of no pool is of none; its other values are of theirs', async (t) => {
  const elsewhere = [
    `UPDATE pool_ranges SET span = '[167772200,167837695)' WHERE span @> 167772162::bigint`,
    `DELETE FROM free_spans f USING pools p, spaces s WHERE p.id = f.pool_id AND s.id = p.space_id AND s.kind = 'address'`,
  ];
  const databaseUrl = await firstVersionDatabase(t, elsewhere);
  const world = await makeWorld(t, { databaseUrl, routerKnown: false });
  const { ipPool, portPool, rulePool } = await world.vm('vm');
  assert.deepEqual([ipPool, portPool, rulePool], ['', 'port-pools/default', 'rule-pools/default']);
});
