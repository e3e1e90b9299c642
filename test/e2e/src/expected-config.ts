import assert from 'node:assert/strict';
import type { RestClient } from './rest-client.ts';
import { below, type Config, type RouterControl } from './router-control.ts';

interface PortStatus {
  readonly status: 'enabled' | 'disabled' | 'not_active';
  readonly external_port: number | null;
  readonly nat_rule_number: number | null;
}

/** A VM as `GET /v1/ports/status` tells of it. */
export interface VmPorts {
  readonly machine_id: string;
  readonly internal_ip: string;
  readonly ports: Readonly<Record<string, PortStatus>>;
}

/** Every VM, over all pages. */
export async function allVms(api: RestClient): Promise<VmPorts[]> {
  const vms: VmPorts[] = [];
  for (let path: string | undefined = '/v1/ports/status?limit=500'; path !== undefined; ) {
    const answer = await api.get(path);
    assert.equal(answer.status, 200);
    vms.push(...answer.body);
    const next: string | undefined = /<([^>]+)>;\s*rel="next"/.exec(answer.headers.get('link') ?? '')?.[1];
    path =
      next === undefined
        ? undefined
        : new URL(next, 'http://api.invalid').pathname + new URL(next, 'http://api.invalid').search;
  }
  return vms;
}

const subnet = ['service', 'dhcp-server', 'shared-network-name', 'LAN', 'subnet', '10.10.0.0/16'];
const mappingsOf = (config: Config): Config => below(config, ...subnet, 'static-mapping');
const rulesOf = (config: Config): Config => below(config, 'nat', 'destination', 'rule');

/** The configuration without what Berth owns, to compare what others hold before and after. */
export function foreignPart(
  config: Config,
  foreign: { mappings: readonly string[]; rules: readonly string[] },
): string {
  const copy = structuredClone(config) as Record<string, unknown>;
  const prune = (node: Config, keep: readonly string[]) => {
    for (const name of Object.keys(node)) if (!keep.includes(name)) delete (node as Record<string, unknown>)[name];
  };
  prune(mappingsOf(copy as Config), foreign.mappings);
  prune(rulesOf(copy as Config), foreign.rules);
  return JSON.stringify(copy);
}

/** What the baseline holds before Berth comes. */
export const baseline = { mappings: ['printer'], rules: ['5'] } as const;

/** Asserts that the router holds exactly what the API tells, and what others hold, and has saved it. */
export async function assertRouterEqualsApi(
  api: RestClient,
  router: RouterControl,
  foreign: { mappings: readonly string[]; rules: readonly string[] } = baseline,
): Promise<void> {
  const vms = await allVms(api);
  const running = await router.config('running');
  const mappings = Object.fromEntries(
    Object.entries(mappingsOf(running)).map(([name, mapping]) => [name, (mapping as Config)['ip-address']]),
  );
  const rules = Object.fromEntries(
    Object.entries(rulesOf(running)).map(([number, rule]) => [number, summaryOfRule(rule as Config)]),
  );
  for (const name of foreign.mappings) delete mappings[name];
  for (const number of foreign.rules) delete rules[number];
  assert.deepEqual(mappings, Object.fromEntries(vms.map((vm) => [vm.machine_id, vm.internal_ip])), 'static mappings');
  assert.deepEqual(rules, Object.fromEntries(vms.flatMap(expectedRules)), 'destination NAT rules');
  assert.deepEqual(await router.config('saved'), running, 'saved configuration');
}

const summaryOfRule = (rule: Config) => ({
  to: below(rule, 'translation')['address'],
  external: below(rule, 'destination')['port'],
  enabled: !('disable' in rule),
});

const expectedRules = (vm: VmPorts): [string, ReturnType<typeof summaryOfRule>][] =>
  Object.values(vm.ports)
    .filter((port) => port.status !== 'not_active')
    .map((port) => [
      String(port.nat_rule_number),
      { to: vm.internal_ip, external: String(port.external_port), enabled: port.status === 'enabled' },
    ]);

/** Asserts that no address, external port, rule number or name is held by two VMs. */
export function assertNothingTwice(vms: readonly VmPorts[]): void {
  const once = (what: string, values: readonly unknown[]) =>
    assert.equal(new Set(values).size, values.length, `${what} held twice`);
  const ports = vms.flatMap((vm) => Object.values(vm.ports)).filter((port) => port.status !== 'not_active');
  once(
    'name',
    vms.map((vm) => vm.machine_id),
  );
  once(
    'address',
    vms.map((vm) => vm.internal_ip),
  );
  once(
    'external port',
    ports.map((port) => port.external_port),
  );
  once(
    'rule number',
    ports.map((port) => port.nat_rule_number),
  );
}
