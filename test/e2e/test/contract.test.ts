import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { eventually, eventuallyHolds } from '@berth/testing';
import { below, type Config, startBerth } from '../src/index.ts';

const mappings = (config: Config) =>
  below(config, 'service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16', 'static-mapping');
const rule = (config: Config, number: number) => below(config, 'nat', 'destination', 'rule', String(number));

/** The REST contract that clients rely on. One system for all; each test uses VMs of its own. */
test('the REST contract', async (t) => {
  const berth = await startBerth(t);

  await t.test('the root says that it runs, without a key', async () => {
    const answer = await berth.api.get('/', { apiKey: null });
    assert.equal(answer.status, 200);
    assert.equal(typeof answer.body.message, 'string');
  });

  await t.test('health says ok for database, bus and router, without a key', async () => {
    const answer = await berth.api.get('/v1/health', { apiKey: null });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { status: 'ok', db: 'ok', bus: 'ok', vyos: { default: 'ok' } });
  });

  await t.test('a provisioned VM has its mapping and three rules on the router, running and saved', async () => {
    const answer = await berth.api.provision({
      vm_name: 'web-01',
      mac_address: '52-54-00-12-34-56',
      metadata: { owner: 'blue', nested: { cpu: 4 } },
    });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    const vm = answer.body;
    assert.equal(vm.status, 'success');
    assert.equal(vm.vm_name, 'web-01');
    assert.equal(vm.machine_id, 'web-01');
    assert.match(vm.vm_id, /^[0-9a-f-]{36}$/);
    assert.equal(vm.mac_address, '52:54:00:12:34:56');
    assert.equal(vm.external_ip, '192.0.2.1');
    assert.deepEqual(Object.keys(vm.external_ports).sort(), ['http', 'https', 'ssh']);
    assert.match(vm.operation_id, /^[0-9a-f-]{36}$/);
    for (const port of Object.values(vm.external_ports))
      assert.ok((port as number) >= 32_000 && (port as number) <= 33_000);

    const config = await berth.router.config();
    assert.deepEqual(mappings(config)['web-01'], { 'ip-address': vm.internal_ip, mac: '52:54:00:12:34:56' });
    for (const [offset, [name, internal]] of [
      ['ssh', '22'],
      ['http', '80'],
      ['https', '443'],
    ].entries()) {
      const made = rule(config, vm.nat_rule_base + offset);
      assert.deepEqual(
        { ...made, description: undefined },
        {
          description: undefined,
          'inbound-interface': { name: 'eth0' },
          protocol: 'tcp',
          destination: { address: '192.0.2.1', port: String(vm.external_ports[name as string]) },
          translation: { address: vm.internal_ip, port: internal },
        },
      );
      assert.match(made['description'] as string, /web-01/);
    }
    await eventuallyHolds(async () =>
      assert.deepEqual(await berth.router.config('saved'), await berth.router.config('running')),
    );
  });

  await t.test('the alias /v1/provision does the same', async () => {
    const answer = await berth.api.post('/v1/provision', { vm_name: 'alias-01' });
    assert.equal(answer.status, 201);
  });

  await t.test('a name that is taken is a conflict, ignoring case; so is a MAC, in any notation', async () => {
    const first = await berth.api.provision({ vm_name: 'taken-01', mac_address: '52:54:00:00:01:01' });
    assert.equal(first.status, 201);
    const name = await berth.api.provision({ vm_name: 'TAKEN-01' });
    assert.equal(name.status, 409);
    assert.equal(name.body.code, 'VM_NAME_TAKEN');
    assert.match(name.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const mac = await berth.api.provision({ vm_name: 'taken-02', mac_address: '5254.0000.0101' });
    assert.equal(mac.status, 409);
    assert.equal(mac.body.code, 'MAC_TAKEN');
  });

  const refused: readonly [string, Record<string, unknown>, string][] = [
    ['no name', {}, 'vm_name'],
    ['a name with an underscore', { vm_name: 'a_b' }, 'vm_name'],
    ['a name that ends in a dot', { vm_name: 'abc.' }, 'vm_name'],
    ['a name of 64 characters', { vm_name: 'a'.repeat(64) }, 'vm_name'],
    ['a name like a UUID', { vm_name: randomUUID() }, 'vm_name'],
    ['an unknown field', { vm_name: 'bad-01', colour: 'blue' }, 'colour'],
    ['a multicast MAC', { vm_name: 'bad-01', mac_address: '01:00:5e:00:00:01' }, 'mac_address'],
    ['the zero MAC', { vm_name: 'bad-01', mac_address: '00:00:00:00:00:00' }, 'mac_address'],
    ['a reversed port range', { vm_name: 'bad-01', port_range: { start: 33_000, end: 32_000 } }, 'port_range'],
    ['a port range below 1024', { vm_name: 'bad-01', port_range: { start: 80, end: 2_000 } }, 'port_range'],
    [
      'a reversed address range',
      { vm_name: 'bad-01', ip_range: { first: '10.10.1.9', last: '10.10.1.1' } },
      'ip_range',
    ],
    ['a range outside the DHCP subnet', { vm_name: 'bad-01', ip_range: { cidr: '172.16.0.0/24' } }, 'ip_range'],
    [
      'a quote in a description',
      { vm_name: 'bad-01', ports: [{ name: 'x', internal_port: 1, description: "it's" }] },
      'ports',
    ],
    ['an internal port of 0', { vm_name: 'bad-01', ports: [{ name: 'x', internal_port: 0 }] }, 'ports'],
    ['a router that does not exist', { vm_name: 'bad-01', router: 'nowhere' }, 'router'],
    ['a pool that does not exist', { vm_name: 'bad-01', pool: 'nowhere' }, 'pool'],
  ];
  for (const [what, body, field] of refused) {
    await t.test(`${what} is refused as 422, with the field named and nothing kept`, async () => {
      const answer = await berth.api.provision(body);
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      assert.ok(
        answer.body.errors?.some((error: { field: string }) => error.field.startsWith(field)),
        JSON.stringify(answer.body),
      );
      assert.equal(answer.body.status, 422);
      assert.equal(typeof answer.body.trace_id, 'string');
      const name = typeof body['vm_name'] === 'string' ? body['vm_name'] : 'bad-01';
      assert.equal((await berth.api.get(`/v1/vms/${encodeURIComponent(name)}/ports/status`)).status, 404);
    });
  }

  await t.test('wished ranges are kept: address by first and last, ports by start and end', async () => {
    const answer = await berth.api.provision({
      vm_name: 'ranges-01',
      ip_range: { first: '10.10.77.5', last: '10.10.77.5' },
      port_range: { start: 40_000, end: 40_002 },
    });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    assert.equal(answer.body.internal_ip, '10.10.77.5');
    assert.deepEqual(Object.values(answer.body.external_ports).sort(), [40_000, 40_001, 40_002]);
    const none = await berth.api.provision({ vm_name: 'ranges-02', ip_range: { cidr: '10.10.77.5/32' } });
    assert.equal(none.status, 507, JSON.stringify(none.body));
    const few = await berth.api.provision({ vm_name: 'ranges-03', port_range: { start: 40_002, end: 40_003 } });
    assert.equal(few.status, 507, JSON.stringify(few.body));
    assert.equal((await berth.api.get('/v1/vms/ranges-02/ports/status')).status, 404);
  });

  await t.test('the port template: pause, enable, delete, create; a repeat asks nothing of the router', async () => {
    const vm = (await berth.api.provision({ vm_name: 'ports-01' })).body;
    const act = (body: Record<string, unknown>) => berth.api.post('/v1/vms/ports-01/ports/template', body);

    const paused = await act({ action: 'pause' });
    assert.equal(paused.status, 200, JSON.stringify(paused.body));
    assert.equal(paused.body.machine_id, 'ports-01');
    assert.equal(paused.body.action, 'pause');
    for (const port of Object.values(paused.body.ports) as { status: string }[]) assert.equal(port.status, 'disabled');
    assert.deepEqual(rule(await berth.router.config(), vm.nat_rule_base)['disable'], {});

    const { commits, empty_configures } = await berth.router.counters();
    assert.equal((await act({ action: 'pause' })).status, 200);
    const after = await berth.router.counters();
    assert.deepEqual(
      [after.commits, after['empty_configures']],
      [commits, empty_configures],
      'a repeat reached the router',
    );

    assert.equal((await act({ action: 'enable', ports: ['ssh'] })).body.ports.ssh.status, 'enabled');
    assert.equal((await act({ action: 'delete', ports: ['http'] })).body.ports.http.status, 'not_active');
    assert.deepEqual(rule(await berth.router.config(), vm.nat_rule_base + 1), {});
    assert.equal((await act({ action: 'enable', ports: ['http'] })).status, 404);
    assert.equal((await act({ action: 'delete', ports: ['http'] })).status, 200);

    const created = await act({ action: 'create' });
    assert.equal(created.status, 200, JSON.stringify(created.body));
    for (const port of Object.values(created.body.ports) as { status: string }[]) assert.equal(port.status, 'enabled');
    assert.equal(created.body.ports.http.nat_rule_number, vm.nat_rule_base + 1);

    assert.equal((await act({ action: 'create', ports: ['gopher'] })).status, 422);
    assert.equal((await act({ action: 'explode' })).status, 422);
    assert.equal((await berth.api.post('/v1/vms/no-such-vm/ports/template', { action: 'pause' })).status, 404);
  });

  await t.test('a single port is disabled and enabled by its name', async () => {
    const vm = (await berth.api.provision({ vm_name: 'single-01' })).body;
    const off = await berth.api.post('/v1/vms/single-01/ports/ssh', { action: 'disable' });
    assert.equal(off.status, 200, JSON.stringify(off.body));
    assert.equal(off.body.port, 'ssh');
    assert.deepEqual(rule(await berth.router.config(), vm.nat_rule_base)['disable'], {});
    const on = await berth.api.post(`/v1/vms/${vm.vm_id}/ports/ssh`, { action: 'enable' });
    assert.equal(on.status, 200);
    assert.equal(rule(await berth.router.config(), vm.nat_rule_base)['disable'], undefined);
    assert.equal((await berth.api.post('/v1/vms/single-01/ports/gopher', { action: 'enable' })).status, 422);
    assert.equal((await berth.api.post('/v1/vms/single-01/ports/ssh', { action: 'create' })).status, 422);
  });

  await t.test(
    'a decommissioned VM is gone from router and API, its name and MAC are free, its values rest in quarantine',
    async () => {
      const vm = (await berth.api.provision({ vm_name: 'gone-01', mac_address: '52:54:00:00:02:01' })).body;
      const answer = await berth.api.decommission('gone-01');
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.equal(answer.body.status, 'success');
      assert.equal(mappings(await berth.router.config())['gone-01'], undefined);
      assert.deepEqual(rule(await berth.router.config(), vm.nat_rule_base), {});
      assert.equal((await berth.api.decommission('gone-01')).status, 404);
      assert.equal((await berth.api.get('/v1/vms/gone-01/ports/status')).status, 404);

      const again = await berth.api.provision({ vm_name: 'gone-01', mac_address: '52:54:00:00:02:01' });
      assert.equal(again.status, 201, JSON.stringify(again.body));
      assert.notEqual(again.body.vm_id, vm.vm_id);
      assert.equal(again.body.internal_ip, vm.internal_ip, 'the same owner and name get the same values back');
      assert.deepEqual(again.body.external_ports, vm.external_ports);
    },
  );

  await t.test('port status: one VM and all, under both addresses, with ETag and pages', async () => {
    for (const name of ['status-01', 'status-02', 'status-03'])
      assert.equal((await berth.api.provision({ vm_name: name })).status, 201);
    const one = await berth.api.get('/v1/vms/status-01/ports/status');
    assert.equal(one.status, 200);
    assert.equal(one.body.machine_id, 'status-01');
    assert.deepEqual(Object.keys(one.body.ports), ['ssh', 'http', 'https']);
    assert.equal(one.body.ports.ssh.status, 'enabled');
    assert.deepEqual((await berth.api.get('/v1/status/vms/status-01/ports')).body, one.body);
    const etag = one.headers.get('etag') ?? '';
    assert.notEqual(etag, '');
    assert.equal(
      (await berth.api.get('/v1/vms/status-01/ports/status', { headers: { 'if-none-match': etag } })).status,
      304,
    );

    const all = await berth.api.get('/v1/ports/status');
    assert.ok(Array.isArray(all.body));
    assert.deepEqual((await berth.api.get('/v1/status/ports')).body.length, all.body.length);
    const page = await berth.api.get('/v1/ports/status?limit=2');
    assert.equal(page.body.length, 2);
    assert.match(page.headers.get('link') ?? '', /rel="next"/);
  });

  await t.test('respond-async answers 202 with the operation, which then ends', async () => {
    const answer = await berth.api.provision({ vm_name: 'async-01' }, { headers: { prefer: 'respond-async' } });
    assert.equal(answer.status, 202);
    const location = answer.headers.get('location') ?? '';
    assert.equal(location, `/v1/operations/${answer.body.id}`);
    assert.equal(answer.body.kind, 'provision_vm');
    const ended = await eventually(async () => {
      const operation = await berth.api.get(location);
      assert.equal(operation.status, 200);
      return operation.body.state === 'succeeded' ? operation.body : undefined;
    });
    assert.equal(ended.resource.name, 'async-01');
    assert.equal(ended.result.vm_name, 'async-01');
    assert.equal(ended.error, null);
    assert.equal((await berth.api.get(`/v1/operations/${randomUUID()}`)).status, 404);
  });

  await t.test('an idempotency key: the replay answers the same, another body is 422', async () => {
    const headers = { 'idempotency-key': 'order-4711' };
    const first = await berth.api.provision({ vm_name: 'idem-01', metadata: { a: 1, b: 2 } }, { headers });
    const replay = await berth.api.provision({ metadata: { b: 2, a: 1 }, vm_name: 'idem-01' }, { headers });
    assert.equal(first.status, 201);
    assert.equal(replay.status, 201, JSON.stringify(replay.body));
    assert.deepEqual(replay.body, first.body);
    const other = await berth.api.provision({ vm_name: 'idem-02' }, { headers });
    assert.equal(other.status, 422);
    assert.equal((await berth.api.get('/v1/vms/idem-02/ports/status')).status, 404);
  });

  await t.test(
    'keys: none is 401, a wrong one is 401, a viewer reads but does not write, an operator writes but makes no keys',
    async () => {
      assert.equal((await berth.api.get('/v1/ports/status', { apiKey: null })).status, 401);
      assert.equal((await berth.api.get('/v1/ports/status', { apiKey: 'berth_wrong' })).status, 401);
      const make = async (permission: string) => {
        const answer = await berth.api.post('/v1/admin/api-keys', { name: permission, permission });
        assert.equal(answer.status, 201, JSON.stringify(answer.body));
        return answer.body;
      };
      const viewer = await make('viewer');
      const operator = await make('operator');
      assert.equal((await berth.api.get('/v1/ports/status', { apiKey: viewer.api_key })).status, 200);
      assert.equal(
        (
          await berth.api.get('/v1/ports/status', {
            apiKey: null,
            headers: { authorization: `Bearer ${viewer.api_key}` },
          })
        ).status,
        200,
      );
      assert.equal((await berth.api.provision({ vm_name: 'denied-01' }, { apiKey: viewer.api_key })).status, 403);
      assert.equal((await berth.api.provision({ vm_name: 'allowed-01' }, { apiKey: operator.api_key })).status, 201);
      assert.equal((await berth.api.get('/v1/admin/api-keys', { apiKey: operator.api_key })).status, 403);

      const listed = await berth.api.get('/v1/admin/api-keys');
      assert.equal(listed.status, 200);
      assert.ok(listed.body.items.some((key: { id: string }) => key.id === viewer.id));
      assert.ok(!JSON.stringify(listed.body).includes(viewer.api_key), 'a list shows no secret');
      assert.equal((await berth.api.delete(`/v1/admin/api-keys/${viewer.id}`)).status, 204);
      await eventuallyHolds(async () =>
        assert.equal((await berth.api.get('/v1/ports/status', { apiKey: viewer.api_key })).status, 401),
      );
      assert.equal((await berth.api.get(`/v1/admin/api-keys/${viewer.id}`)).status, 404);
    },
  );

  await t.test(
    'malformed requests get problems: broken JSON, another type, too large, unknown route, wrong method',
    async () => {
      const problem = (answer: { headers: Headers; body: { status: number; code: string } }, status: number) => {
        assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
        assert.equal(answer.body.status, status);
        assert.equal(typeof answer.body.code, 'string');
      };
      const json = { 'content-type': 'application/json' };
      problem(await berth.api.call('POST', '/v1/vms/provision', { body: '{"vm_name":', headers: json }), 400);
      problem(
        await berth.api.call('POST', '/v1/vms/provision', {
          body: 'vm_name=a',
          headers: { 'content-type': 'text/csv' },
        }),
        415,
      );
      problem(await berth.api.provision({ vm_name: 'big', metadata: { text: 'x'.repeat(2_000_000) } }), 413);
      problem(await berth.api.get('/v1/nothing-here'), 404);
      problem(await berth.api.call('PUT', '/v1/vms/provision', { body: {} }), 405);
    },
  );

  await t.test('the OpenAPI document is served and names every route of the contract', async () => {
    const answer = await berth.api.get('/openapi.json', { apiKey: null });
    assert.equal(answer.status, 200);
    assert.match(answer.body.openapi, /^3\.1/);
    for (const path of [
      '/v1/vms/provision',
      '/v1/vms/{machine_id}/ports/template',
      '/v1/operations/{id}',
      '/v1/admin/api-keys/{id}',
    ]) {
      assert.ok(path in answer.body.paths, path);
    }
  });

  await t.test('the README’s curl body works as it is printed', async () => {
    const { readFile } = await import('node:fs/promises');
    const readme = await readFile(new URL('../../../README.md', import.meta.url), 'utf8');
    const data = /curl[^`]*\/v1\/vms\/provision[^`]*-d '([^']+)'/.exec(readme)?.[1];
    assert.ok(data, 'README has a curl for /v1/vms/provision');
    const answer = await berth.api.provision(JSON.parse(data));
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  });
});
