import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ListVmsRequest, Protocol, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { aVm, startTestGateway } from './support/gateway-under-test.ts';

const { method } = VmService;

test('the forwards of a VM, absent ones that it knows included: ssh, http and https first, the others after them', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getVm, ({ machineId }) => {
    assert.equal(machineId, 'web-01');
    const forwards = [
      {
        name: 'voip',
        protocol: Protocol.UDP,
        internalPort: 5060,
        externalPort: 32_010,
        natRuleNumber: 10_003,
        enabled: true,
      },
      {
        name: 'dns',
        protocol: Protocol.TCP_UDP,
        internalPort: 53,
        externalPort: 32_011,
        natRuleNumber: 10_004,
        enabled: false,
      },
      {
        name: 'ssh',
        protocol: Protocol.TCP,
        internalPort: 22,
        externalPort: 32_000,
        natRuleNumber: 10_000,
        enabled: true,
        source: '198.51.100.0/24',
        description: 'for admins',
      },
    ];
    const absentForwards = ['rdp', 'https', 'http'].map((name) => ({ name, protocol: Protocol.TCP }));
    return { vm: aVm({ forwards, absentForwards }) };
  });
  const absent = {
    status: 'not_active',
    external_port: null,
    nat_rule_number: null,
    protocol: null,
    source: null,
    description: null,
  };
  const expected = {
    machine_id: 'web-01',
    internal_ip: '10.10.1.50',
    ports: {
      ssh: {
        status: 'enabled',
        external_port: 32_000,
        nat_rule_number: 10_000,
        protocol: 'tcp',
        source: '198.51.100.0/24',
        description: 'for admins',
      },
      http: absent,
      https: absent,
      dns: { ...absent, status: 'disabled', external_port: 32_011, nat_rule_number: 10_004, protocol: 'both' },
      rdp: absent,
      voip: { ...absent, status: 'enabled', external_port: 32_010, nat_rule_number: 10_003, protocol: 'udp' },
    },
  };
  for (const path of ['/v1/vms/web-01/ports/status', '/v1/status/vms/web-01/ports', '/v1/vms/web-01/ports/status/']) {
    const answer = await gateway.call('GET', path, { apiKey: 'viewer-1' });
    assert.deepEqual(answer.body, expected);
    assert.deepEqual(Object.keys(answer.body.ports), ['ssh', 'http', 'https', 'dns', 'rdp', 'voip']);
  }
});

test('a forward that the VM knows nothing of is not shown, whatever its name', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getVm, () => ({ vm: aVm({ forwards: [], absentForwards: [{ name: 'http' }] }) }));
  const answer = await gateway.call('GET', '/v1/vms/web-01/ports/status');
  assert.deepEqual(Object.keys(answer.body.ports), ['http']);
});

test('an ETag that still holds is answered 304 without a body, a changed VM 200 with another', async (t) => {
  const gateway = await startTestGateway(t);
  let vm = aVm();
  gateway.answer(method.getVm, () => ({ vm }));
  const path = '/v1/vms/web-01/ports/status';
  const etag = (await gateway.call('GET', path)).headers.get('etag') ?? '';
  assert.match(etag, /^"[\w-]+"$/);
  const same = await gateway.call('GET', path, { headers: { 'if-none-match': `"x", W/${etag}` } });
  assert.equal(same.status, 304);
  assert.equal(same.body, undefined);
  assert.equal(same.headers.get('etag'), etag);
  vm = aVm({ forwards: [] });
  const changed = await gateway.call('GET', path, { headers: { 'if-none-match': etag } });
  assert.equal(changed.status, 200);
  assert.notEqual(changed.headers.get('etag'), etag);
  assert.equal((await gateway.call('HEAD', path)).status, 200);
});

test('a VM that is not there, or whose name no VM can have, is 404', async (t) => {
  const gateway = await startTestGateway(t);
  gateway.answer(method.getVm, () => {
    throw new DomainError('not_found', 'VM_NOT_FOUND', 'There is no VM of this name or id.');
  });
  for (const name of ['gone', 'a_b', '%20', 'a%2Fb', 'x'.repeat(100)]) {
    const answer = await gateway.call('GET', `/v1/vms/${name}/ports/status`);
    assert.equal(answer.status, 404, name);
    assert.equal(answer.body.code, 'VM_NOT_FOUND', name);
  }
});

test('without a limit all VMs are listed in one array, with one the next page is in Link', async (t) => {
  const gateway = await startTestGateway(t);
  const all = Array.from({ length: 5 }, (_, index) => aVm({ name: `vm-${index}` }));
  const asked: ListVmsRequest[] = [];
  gateway.answer(method.listVms, (message) => {
    asked.push(message);
    const from = Number(message.pageToken || 0);
    const to = from + Math.min(message.pageSize, 3);
    return { vms: all.slice(from, to), nextPageToken: to < all.length ? String(to) : '' };
  });
  const names = (body: { machine_id: string }[]) => body.map((vm) => vm.machine_id);
  const everything = await gateway.call('GET', '/v1/ports/status');
  assert.deepEqual(names(everything.body), ['vm-0', 'vm-1', 'vm-2', 'vm-3', 'vm-4']);
  assert.equal(everything.headers.get('link'), null);
  assert.deepEqual(
    asked.map((message) => message.pageSize),
    [1_000, 1_000],
  );

  const seen: string[] = [];
  let path: string | undefined = '/v1/status/ports?limit=2';
  while (path !== undefined) {
    const page = await gateway.call('GET', path);
    assert.ok(page.body.length <= 2);
    seen.push(...names(page.body));
    path = /^<(\/v1\/status\/ports\?[^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
  }
  assert.deepEqual(seen, names(everything.body));
  for (const limit of ['0', '1001', 'x', '', '1.5', '-1']) {
    assert.equal((await gateway.call('GET', `/v1/ports/status?limit=${limit}`)).status, 422, limit);
  }
});
