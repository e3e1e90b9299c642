import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProvisionVmRequest, VmService } from '@berth/contracts';
import fc from 'fast-check';
import { anOperation, startTestGateway } from './support/gateway-under-test.ts';

test('what a provision may ask', async (t) => {
  const gateway = await startTestGateway(t);
  let asked: ProvisionVmRequest | undefined;
  gateway.answer(VmService.method.provisionVm, (message) => {
    asked = message;
    return { operation: anOperation({ id: message.context?.operationId ?? '' }) };
  });
  await gateway.bus.connection.flush();
  const provision = (body: unknown) => gateway.call('POST', '/v1/vms/provision', { body });

  const refused: readonly [string, Record<string, unknown>, string][] = [
    ['no name', { vm_name: undefined }, 'vm_name'],
    ['a name that is a number', { vm_name: 5 }, 'vm_name'],
    ['a name with a line break', { vm_name: 'a\n' }, 'vm_name'],
    ['an unknown field', { colour: 'blue' }, 'colour'],
    ['an unknown field inside', { port_range: { start: 2_000, end: 3_000, step: 2 } }, 'port_range.step'],
    ['an empty MAC', { mac_address: '' }, 'mac_address'],
    ['a reversed range of ports', { port_range: { start: 3_000, end: 2_000 } }, 'port_range.end'],
    ['ports as text', { port_range: { start: '2000', end: '3000' } }, 'port_range.start'],
    ['a port of the router', { port_range: { start: 1_023, end: 3_000 } }, 'port_range.start'],
    ['a port beyond the last', { port_range: { start: 2_000, end: 65_536 } }, 'port_range.end'],
    ['a reversed range of addresses', { ip_range: { first: '10.0.0.2', last: '10.0.0.1' } }, 'ip_range.last'],
    ['a network with host bits', { ip_range: { cidr: '10.0.0.1/24' } }, 'ip_range.cidr'],
    ['two ranges in one', { ip_range: { cidr: '10.0.0.0/24', first: '10.0.0.1', last: '10.0.0.2' } }, 'ip_range'],
    ['an external port of 0', { ports: [{ name: 'x', internal_port: 1, external_port: 0 }] }, 'ports[0].external_port'],
    [
      'an external port of 65536',
      { ports: [{ name: 'x', internal_port: 1, external_port: 65_536 }] },
      'ports[0].external_port',
    ],
    ['a fractional port', { ports: [{ name: 'x', internal_port: 1.5 }] }, 'ports[0].internal_port'],
    ['a protocol of its own', { ports: [{ name: 'x', internal_port: 1, protocol: 'icmp' }] }, 'ports[0].protocol'],
    ['a forward by two names of its protocol', { ports: [{ name: 'x', protocol: 'tcp/udp' }] }, 'ports[0].protocol'],
    [
      'a reversed range of internal ports',
      { ports: [{ name: 'x', internal_ports: { first: 9, last: 8 } }] },
      'ports[0].internal_ports.last',
    ],
    [
      'a source with host bits',
      { ports: [{ name: 'x', internal_port: 1, sources: ['10.0.0.1/8'] }] },
      'ports[0].sources[0]',
    ],
    [
      'too many sources',
      { ports: [{ name: 'x', internal_port: 1, sources: Array.from({ length: 17 }, (_, i) => `10.0.0.${i}`) }] },
      'ports[0].sources',
    ],
    [
      'too many forwards',
      { ports: Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, internal_port: 1 })) },
      'ports',
    ],
    ['a quote for the router', { ports: [{ name: 'ssh', description: "it's" }] }, 'ports[0].description'],
    ['a list as metadata', { metadata: [] }, 'metadata'],
    ['metadata that is too large', { metadata: { text: 'x'.repeat(16_384) } }, 'metadata'],
    ['a host name with an underscore', { hostname: 'a_b' }, 'hostname'],
    ['a pool with a blank', { pool: 'a b' }, 'pool'],
    ['a pool of another kind', { port_pool: 'ip-pools/a' }, 'port_pool'],
  ];
  for (const [what, change, field] of refused) {
    await t.test(`${what} is 422 and names ${field}`, async () => {
      const answer = await provision({ vm_name: 'web-01', ...change });
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      const fields = answer.body.errors.map((error: { field: string }) => error.field);
      assert.ok(fields.includes(field), JSON.stringify(answer.body.errors));
    });
  }

  await t.test('all wrong fields are named at once', async () => {
    const answer = await provision({
      vm_name: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
      mac_address: '01:00:5e:00:00:01',
      ip_range: { first: '10.0.0.2', last: '10.0.0.1' },
      ports: ['ssh', 'ssh', { name: 'status' }],
    });
    assert.deepEqual(
      answer.body.errors.map((error: { field: string }) => error.field),
      ['vm_name', 'mac_address', 'ip_range.last', 'ports[2].name', 'ports[1]'],
    );
  });

  await t.test('everything that may be given arrives as it was meant', async () => {
    const answer = await provision({
      vm_name: 'Web-01.example',
      mac_address: '5254.0012.3456',
      metadata: { nested: { a: [1, null, 'ü'] } },
      ip_range: { base: '10.10.1', start: 50, end: 99 },
      port_range: { start: 40_000, end: 40_010 },
      pool: 'pool-a',
      port_pool: 'port-pools/outside',
      rule_pool: 'rules',
      router: 'edge-1',
      hostname: 'web-host',
      owner_group: 'blue',
      ports: [
        'ssh',
        { name: 'dns', internal_port: 53, protocol: 'both', enabled: false, source: '198.51.100.0/24' },
        { name: 'rtp', internal_ports: '10000-10009', external_port: 30_000, sources: ['192.0.2.1', '192.0.2.8/29'] },
      ],
    });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    assert.ok(asked);
    const { vmName, macAddress, metadata, addressRange, portRange, pool, router, hostname, ownerGroup } = asked;
    assert.deepEqual([vmName, macAddress, pool, router], ['Web-01.example', '52:54:00:12:34:56', 'pool-a', 'edge-1']);
    assert.deepEqual([hostname, ownerGroup, metadata], ['web-host', 'blue', { nested: { a: [1, null, 'ü'] } }]);
    assert.deepEqual([addressRange?.first, addressRange?.last], ['10.10.1.50', '10.10.1.99']);
    assert.deepEqual([portRange?.start, portRange?.end], [40_000, 40_010]);
    assert.deepEqual([asked.portPool, asked.rulePool], ['port-pools/outside', 'rules']);
    const [ssh, dns, rtp] = asked.forwards;
    assert.deepEqual([rtp?.internalPort, rtp?.internalPortEnd], [10_000, 10_009]);
    assert.deepEqual([rtp?.externalPort, rtp?.externalPortEnd], [30_000, 30_009]);
    assert.deepEqual([rtp?.source, rtp?.moreSources], ['192.0.2.1', ['192.0.2.8/29']]);
    assert.deepEqual([ssh?.name, ssh?.internalPort, ssh?.disabled], ['ssh', 0, false]);
    assert.deepEqual([dns?.protocol, dns?.disabled, dns?.source], [3, true, '198.51.100.0/24']);
  });

  await t.test('no ports is the template, an empty list is none', async () => {
    await provision({ vm_name: 'a' });
    assert.deepEqual([asked?.forwards.length, asked?.noForwards], [0, false]);
    await provision({ vm_name: 'a', ports: [] });
    assert.deepEqual([asked?.forwards.length, asked?.noForwards], [0, true]);
  });

  await t.test('whatever is sent, the answer is 201 or a problem of the caller’s', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('', '10.0.0.1', '10.0.0.0/8', 'ssh'),
    );
    const number = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, 1, 1_024, 65_535, 65_536));
    const anything = fc.oneof(
      { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
      { weight: 2, arbitrary: text },
      number,
    );
    const orNot = <T>(arbitrary: fc.Arbitrary<T>) =>
      fc.option(fc.oneof({ weight: 4, arbitrary: arbitrary as fc.Arbitrary<unknown> }, anything), { nil: undefined });
    const forward = fc.record({
      name: orNot(text),
      internal_port: orNot(number),
      external_port: orNot(number),
      protocol: orNot(fc.constantFrom('tcp', 'udp', 'both')),
      source: orNot(text),
      description: orNot(text),
      enabled: orNot(fc.boolean()),
    });
    const provisionBody = fc.record({
      vm_name: orNot(fc.constantFrom('web-01', 'a')),
      mac_address: orNot(text),
      metadata: orNot(fc.dictionary(text, fc.jsonValue({ maxDepth: 20 }))),
      ip_range: orNot(
        fc.oneof(
          fc.record({ base: text, start: number, end: number }),
          fc.record({ cidr: text }),
          fc.record({ first: text, last: text }),
        ),
      ),
      port_range: orNot(fc.record({ start: number, end: number })),
      ports: orNot(fc.array(fc.oneof(text, forward, anything), { maxLength: 5 })),
      hostname: orNot(text),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.oneof({ weight: 9, arbitrary: provisionBody as fc.Arbitrary<unknown> }, anything),
        async (body) => {
          const answer = await provision(JSON.stringify(body) ?? '');
          assert.ok([201, 400, 422].includes(answer.status), `${answer.status} ${JSON.stringify(answer.body)}`);
          if (answer.status === 422) assert.ok(answer.body.errors.length > 0);
        },
      ),
      { numRuns: 150 },
    );
  });

  await t.test('a body that is deep, wide or strange costs a refusal and no more', async () => {
    for (const body of [
      `{"vm_name":"a","metadata":${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}}`,
      `{"vm_name":"a","metadata":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
      `{"vm_name":"a","ports":[${'1,'.repeat(400_000)}1]}`,
      `{"vm_name":"a","metadata":{"a":1e999}}`,
      `{"vm_name":"a","metadata":{"a":"\\u0000"}}`,
    ]) {
      const startedAt = performance.now();
      const answer = await provision(body);
      assert.equal(answer.status, 422, JSON.stringify(answer.body).slice(0, 300));
      assert.ok(performance.now() - startedAt < 5_000);
    }
  });
});
