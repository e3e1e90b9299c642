import assert from 'node:assert/strict';
import { type Forward, Protocol, type Vm, VmService } from '@berth/contracts';
import { request } from '@berth/messaging';
import type { Soak } from './soak.ts';
import type { WantedForward, WantedVm } from './wanted-vms.ts';

const asker = { id: 'soak', kind: 'api_key', name: 'soak', group: '', permissions: ['vms:read'] };

/**
 * Compares everything with everything, once nothing is on its way: Berth's VMs with what was asked and granted, the router (running and saved) with
 * the VMs and with what people made there, the allocations with the VMs. Throws at the first difference.
 */
export async function judge(soak: Soak): Promise<void> {
  const vms = await allVms(soak);
  assert.deepEqual(
    Object.fromEntries(vms.map((vm) => [vm.id, asWanted(vm)])),
    Object.fromEntries([...soak.expected].map(([id, { remembered: _, ...vm }]) => [id, vm])),
    'the VMs are what was granted',
  );
  const { router, foreign } = soak;
  const rules = { ...Object.fromEntries(foreign.rules), ...Object.fromEntries(vms.flatMap(rulesOf)) };
  const mappings = { ...Object.fromEntries(foreign.mappings), ...Object.fromEntries(vms.map(mappingOf)) };
  for (const tree of ['running', 'saved'] as const) {
    assert.deepEqual(router.rules(tree), rules, `destination NAT rules (${tree})`);
    assert.deepEqual(router.mappings(tree), mappings, `static mappings (${tree})`);
  }
  assert.equal(router.rest(), soak.restAtFirst, 'the rest of the configuration');
  await judgeAllocations(soak, vms);
}

async function allVms({ system: { bus } }: Soak): Promise<Vm[]> {
  const options = { timeoutMs: 10_000 };
  const page = await request(bus, VmService.method.listVms, { principal: asker, pageSize: 1_000 }, options);
  assert.equal(page.nextPageToken, '', 'all VMs fit on one page');
  return page.vms;
}

const protocolNames = { [Protocol.TCP]: 'tcp', [Protocol.UDP]: 'udp', [Protocol.TCP_UDP]: 'tcp_udp' } as const;

function protocolOf({ protocol }: Forward): WantedForward['protocol'] {
  if (protocol === Protocol.UNSPECIFIED) throw new Error('a forward has no protocol');
  return protocolNames[protocol];
}

const asWanted = (vm: Vm): WantedVm => ({
  name: vm.name,
  macAddress: vm.macAddress,
  forwards: Object.fromEntries(
    vm.forwards.map((forward) => [
      forward.name,
      {
        protocol: protocolOf(forward),
        internalPort: forward.internalPort,
        sources: forward.sources,
        description: forward.description,
        enabled: forward.enabled,
      },
    ]),
  ),
});

const mappingOf = (vm: Vm): [string, unknown] => [vm.hostname, { 'ip-address': vm.internalIp, mac: vm.macAddress }];

/** One rule for each source, or one for all. */
const rulesOf = (vm: Vm): [string, unknown][] =>
  vm.forwards.flatMap((forward) =>
    (forward.sources.length > 0 ? forward.sources : [undefined]).map((source, at): [string, unknown] => [
      String(forward.natRuleNumbers[at]),
      {
        description: forward.description || `berth ${vm.name} ${forward.name}`,
        destination: { address: vm.externalIp, port: String(forward.externalPort) },
        ...(forward.enabled ? {} : { disable: {} }),
        'inbound-interface': { name: 'eth0' },
        protocol: protocolOf(forward),
        ...(source === undefined ? {} : { source: { address: source } }),
        translation: { address: vm.internalIp, port: String(forward.internalPort) },
      },
    ]),
  );

interface Held {
  readonly vm_id: string;
  readonly kind: string;
  readonly first: number;
  readonly last: number;
}

/** Nothing is held for nobody, nothing that a VM uses is not held, and nothing is held twice. */
async function judgeAllocations({ system: { database } }: Soak, vms: readonly Vm[]): Promise<void> {
  const held = await database.query<Held>(
    `SELECT vm_id::text, spaces.kind, lower(held)::float8 AS first, upper(held)::float8 - 1 AS last
     FROM allocations JOIN spaces ON spaces.id = space_id WHERE allocations.kind = 'vm'`,
  );
  const numbers = held.flatMap(({ vm_id, kind, first, last }) =>
    Array.from({ length: last - first + 1 }, (_, at) => `${vm_id} ${kind} ${first + at}`),
  );
  const blocks = await database.query<{ id: string; first: number; last: number }>(
    `SELECT id::text, (rules ->> 'first')::float8 AS first, (rules ->> 'last')::float8 AS last
     FROM vms WHERE state NOT IN ('failed', 'removed')`,
  );
  const used = vms.flatMap((vm) =>
    valuesOf(
      vm,
      blocks.find(({ id }) => id === vm.id),
    ),
  );
  assert.deepEqual(difference(numbers, used), [], 'all that is allocated is used');
  assert.deepEqual(difference(used, numbers), [], 'all that is used is allocated');
  const values = numbers.map((number) => number.slice(number.indexOf(' ') + 1));
  assert.equal(new Set(values).size, values.length, 'no value is held twice');
  const claims = await database.query<{ vm_id: string }>(
    'SELECT vm_id::text FROM claims WHERE vm_id IS NOT NULL AND plan_id IS NULL',
  );
  const alive = new Set(vms.map(({ id }) => id));
  assert.deepEqual(
    claims.filter(({ vm_id }) => !alive.has(vm_id)),
    [],
    'no name or MAC address is claimed by a VM that is gone',
  );
}

const difference = (some: readonly string[], others: readonly string[]): string[] => {
  const set = new Set(others);
  return some.filter((one) => !set.has(one));
};

/** The rule numbers of a VM's block are its own for as long as it lives, whatever its forwards use of them. */
function valuesOf(vm: Vm, block: { readonly first: number; readonly last: number } = { first: 1, last: 0 }): string[] {
  const rules = new Set([
    ...Array.from({ length: block.last - block.first + 1 }, (_, at) => block.first + at),
    ...vm.forwards.flatMap(({ natRuleNumbers }) => natRuleNumbers),
    ...vm.absentForwards.map(({ natRuleNumber }) => natRuleNumber),
  ]);
  const ports = vm.forwards.flatMap((forward) => {
    const protocol = protocolOf(forward);
    return (protocol === 'tcp_udp' ? ['tcp', 'udp'] : [protocol]).map((one) => `${one} ${forward.externalPort}`);
  });
  const address = vm.internalIp.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  return [`address ${address}`, ...ports, ...[...rules].map((number) => `rule ${number}`)].map(
    (value) => `${vm.id} ${value}`,
  );
}
