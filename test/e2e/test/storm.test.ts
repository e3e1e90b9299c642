import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventuallyHolds } from '@berth/testing';
import { allVms, assertNothingTwice, assertRouterEqualsApi, inParallel, names, startBerth } from '../src/index.ts';

test('200 VMs from 64 clients over two replicas of everything: each has its own values, in few commits of a router that takes a second', async (t) => {
  const { api, router } = await startBerth(t, { replicas: 2 });
  await router.latency({ preset: 'instant', commit_ms: 1_000 });
  const before = await router.counters();

  const answers = await inParallel(names('vm', 200), 64, (vm_name) =>
    api.provision({ vm_name }, { headers: { prefer: 'wait=60' } }),
  );

  assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [201]);
  const commits = (await router.counters()).commits - before.commits;
  t.diagnostic(`${commits} commits`);
  // Without batches 200; an idle machine needs 8 (docs/benchmarks.md), a busy one sends requests further apart.
  assert.ok(commits <= 20, `${commits} commits`);
  assertNothingTwice(await allVms(api));
  await eventuallyHolds(() => assertRouterEqualsApi(api, router));
  assert.equal((await router.counters()).max_in_flight, 1);
});

for (const named of [true, false]) {
  test(`of 50 simultaneous requests one is refused by the router (${named ? 'naming it' : 'without naming it'}): it alone fails and leaves nothing behind`, async (t) => {
    const { api, router } = await startBerth(t);
    await router.latency({ preset: 'instant', commit_ms: 200 });
    const words = named
      ? 'Configured static lease address for mapping "vm-23" is not allowed'
      : 'something about this change is not right';
    await router.fault({ kind: 'refuse_commit', match: 'vm-23', text: words });

    const answers = await inParallel(names('vm', 50), 50, (vm_name) =>
      api.provision({ vm_name }, { headers: { prefer: 'wait=60' } }),
    );

    answers.forEach((answer, index) => {
      assert.equal(answer.status, index === 23 ? 502 : 201, JSON.stringify(answer.body));
    });
    assert.match(answers[23]?.body.detail, named ? /vm-23/ : /something about this change is not right/);
    assert.equal((await allVms(api)).length, 49);
    await eventuallyHolds(() => assertRouterEqualsApi(api, router));

    await router.clearFaults();
    const again = await api.provision({ vm_name: 'vm-23' });
    assert.equal(again.status, 201, JSON.stringify(again.body));
    await eventuallyHolds(() => assertRouterEqualsApi(api, router));
  });
}
