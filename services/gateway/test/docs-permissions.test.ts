import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { GroupService, OperationKind, permissionsOf, permissionVerbs, VmService } from '@berth/contracts';
import { curlExamples } from '@berth/testing';
import { anOperation, aVm, startTestGateway } from './support/gateway-under-test.ts';

const { method } = VmService;
const page = readFileSync(new URL('../../../docs/permissions.md', import.meta.url), 'utf8');

test('every example of docs/permissions.md is a request that the gateway takes', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(GroupService.method.createGroup, ({ group }) => (group ? { group } : {}));
  const owners: string[] = [];
  const ends =
    (kind: OperationKind) =>
    (message: { context?: { operationId: string } | undefined; ownerGroup?: string | undefined }) => {
      owners.push(message.ownerGroup ?? '');
      return { operation: anOperation({ id: message.context?.operationId ?? '', kind, vm: aVm() }) };
    };
  gateway.answer(method.provisionVm, ends(OperationKind.PROVISION_VM));
  gateway.answer(method.updateVm, ends(OperationKind.UPDATE_VM));
  gateway.answer(method.listVms, ({ filter }) => {
    owners.push(filter?.ownerGroup ?? '');
    return { vms: [aVm()] };
  });
  await gateway.bus.connection.flush();
  const examples = curlExamples(page, { BERTH_KEY: 'admin-1' });
  for (const { method: verb, path, headers, body } of examples) {
    const answer = await gateway.call(verb, path, { apiKey: null, headers, body });
    assert.ok(answer.status < 300, `${verb} ${path}: ${JSON.stringify(answer.body)}`);
  }
  assert.deepEqual(owners, ['blue', 'blue', 'green']);
});

test('docs/permissions.md tells of every verb, and of every level what it holds', () => {
  const told = [...page.matchAll(/^\| `([a-z-]+:[a-z]+)` \|/gm)].map(([, verb]) => verb);
  assert.deepEqual(told, [...permissionVerbs]);
  const viewer = permissionsOf.viewer.map((verb) => `\`${verb}\``).join(', ');
  assert.ok(page.includes(`| \`viewer\` | ${viewer} |`));
  assert.deepEqual(
    permissionsOf.operator,
    [...permissionsOf.viewer, 'vms:write'],
    'the table says: the same and vms:write',
  );
});
