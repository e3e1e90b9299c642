import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { type ExplainLinesRequest, HistoryService, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { anOperation, aVm, startTestGateway } from './support/gateway-under-test.ts';

const notFound = () => new DomainError('not_found', 'VM_NOT_FOUND', 'There is no VM of this name or id.');

test('the history of a VM is found by the name that it had, also after its removal; an unknown name is 404', async (t) => {
  const gateway = await startTestGateway(t);
  const [vmId, resources] = [randomUUID(), [] as string[]];
  gateway.answer(VmService.method.getVm, () => {
    throw notFound();
  });
  gateway.answer(VmService.method.listOperations, ({ filter }) => ({
    operations: filter?.machineId === 'gone' ? [anOperation({ vmId, vmName: 'gone' })] : [],
  }));
  gateway.answer(HistoryService.method.listCommits, ({ resourceId }) => {
    resources.push(resourceId);
    return { commits: [] };
  });
  const ask = (vm: string) => gateway.call('GET', `/v1/routers/default/commits?vm=${vm}`);
  assert.equal((await ask('gone')).status, 200);
  assert.equal((await ask(vmId.toUpperCase())).status, 200);
  assert.deepEqual(resources, [vmId, vmId]);
  const unknown = await ask('nobody');
  assert.deepEqual([unknown.status, unknown.body.code], [404, 'VM_NOT_FOUND']);
});

test('the lines of a VM, or of one of its forwards, are asked for by what it has', async (t) => {
  const gateway = await startTestGateway(t);
  const vm = aVm({ id: randomUUID(), forwards: [{ name: 'ssh', natRuleNumbers: [10_000, 10_001] }] });
  const asked: ExplainLinesRequest[] = [];
  gateway.answer(VmService.method.getVm, ({ machineId }) => {
    if (machineId !== 'web-01' && machineId !== vm.id) throw notFound();
    return { vm };
  });
  gateway.answer(HistoryService.method.explainLines, (message) => {
    asked.push(message);
    const ours = { path: ['nat'], resourceId: vm.id ?? '', ruleNumber: message.ruleNumber };
    return { lines: [ours, { path: ['nat'], resourceId: '' }] };
  });
  const ask = (query: string) => gateway.call('GET', `/v1/routers/default/explain?${query}`);
  const whole = await ask('vm=web-01');
  assert.deepEqual([whole.status, whole.body.owner, whole.body.lines.length], [200, 'berth', 1]);
  assert.equal(asked.shift()?.address, vm.internalIp);
  const forward = await ask('vm=web-01&forward=SSH');
  assert.deepEqual(
    forward.body.lines.map((line: { forward: string }) => line.forward),
    ['ssh', 'ssh'],
  );
  assert.deepEqual(asked.map(({ ruleNumber }) => ruleNumber).toSorted(), [10_000, 10_001]);
  for (const [query, field] of [
    ['forward=ssh', 'forward'],
    ['vm=web-01&forward=http', 'forward'],
    ['vm=web-01&rule=5', 'rule'],
  ]) {
    const answer = await ask(query ?? '');
    assert.deepEqual([answer.status, answer.body.errors[0].field], [422, field], query);
  }
  assert.equal((await ask('vm=nobody')).status, 404);
  const elsewhere = await gateway.call('GET', '/v1/routers/edge/explain?vm=web-01');
  assert.deepEqual([elsewhere.status, elsewhere.body.errors[0].field], [422, 'vm']);
});
