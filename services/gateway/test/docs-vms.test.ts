import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OperationKind, VmService } from '@berth/contracts';
import { curlExamples } from '@berth/testing';
import { anOperation, aVm, startTestGateway } from './support/gateway-under-test.ts';

const { method } = VmService;
const page = readFileSync(new URL('../../../docs/vms.md', import.meta.url), 'utf8');

test('every example of docs/vms.md is a request that the gateway takes', async (t) => {
  const gateway = await startTestGateway(t);
  const vm = aVm({ forwards: [{ name: 'dns' }, { name: 'web' }] });
  const ends = (kind: OperationKind) => (message: { context?: { operationId: string } | undefined }) => ({
    operation: anOperation({ id: message.context?.operationId ?? '', kind, vm }),
  });
  gateway.answer(method.provisionVm, ends(OperationKind.PROVISION_VM));
  gateway.answer(method.updateVm, ends(OperationKind.UPDATE_VM));
  gateway.answer(method.changeForwards, ends(OperationKind.CHANGE_FORWARDS));
  gateway.answer(method.decommissionVm, ends(OperationKind.DECOMMISSION_VM));
  gateway.answer(method.getVm, () => ({ vm }));
  gateway.answer(method.listVms, () => ({ vms: [vm] }));
  gateway.answer(method.getForwardTemplate, () => ({ version: 1n }));
  gateway.answer(method.setForwardTemplate, ({ forwards }) => ({ forwards, version: 2n }));
  const examples = curlExamples(page, { BERTH_KEY: 'admin-1' });
  assert.ok(examples.length >= 13);
  for (const { method: verb, path, headers, body } of examples) {
    const answer = await gateway.call(verb, path, { apiKey: null, headers, body });
    assert.ok(answer.status < 300, `${verb} ${path}: ${JSON.stringify(answer.body)}`);
  }
});
