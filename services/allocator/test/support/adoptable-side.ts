import { randomUUID } from 'node:crypto';
import { AdoptableService, AdoptionService, type AdoptObjectsRequestSchema, HoldingKind } from '@berth/contracts';
import { request, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { aPrincipal, makeWorld, type World, type WorldOptions } from './world.ts';

type Scope = Parameters<typeof makeWorld>[0];
type Asked = Partial<Exclude<MessageInitShape<typeof AdoptObjectsRequestSchema>, { $typeName: string }>>;

export const anAdmin = (overrides = {}) =>
  aPrincipal({ permissions: ['vms:read', 'vms:write', 'operations:read', 'routers:admin'], ...overrides });

const subnet = 'service dhcp-server shared-network-name LAN subnet 10.0.0.0/16';
const hex = (n: number) => n.toString(16).padStart(4, '0').replace(/^(..)/, '$1:');

/** Host `n` as people write it: a mapping, and a rule on any address for its ssh. */
const handMade = (n: number) => ({
  mapping: {
    ...{ network: 'LAN', subnet: '10.0.0.0/16', name: `host-${n}`, macAddress: `52:54:00:00:${hex(n)}` },
    ipAddress: `10.0.${10 + Math.floor(n / 200)}.${1 + (n % 200)}`,
  },
  rule: {
    ...{ number: 100 + n, protocol: 'tcp', destinationPort: String(40_000 + n), translationPort: '22' },
    translationAddress: `10.0.${10 + Math.floor(n / 200)}.${1 + (n % 200)}`,
  },
});

/** What the inventory says of the same. */
const holdingsOf = ({ mapping, rule }: ReturnType<typeof handMade>) => {
  const [path, rulePath] = [`${subnet} static-mapping ${mapping.name}`, `nat destination rule ${rule.number}`];
  const port = Number(rule.destinationPort);
  return [
    { kind: HoldingKind.MAPPING_NAME, value: mapping.name, path },
    { kind: HoldingKind.MAC, value: mapping.macAddress, path },
    { kind: HoldingKind.ADDRESS, value: mapping.ipAddress, path },
    { kind: HoldingKind.RULE_NUMBER, firstNumber: rule.number, lastNumber: rule.number, path: rulePath },
    { kind: HoldingKind.PORT, firstNumber: port, lastNumber: port, protocol: 'tcp', path: rulePath },
  ];
};

/** Few numbers, so that all of them can be looked at. */
const smallPools = {
  addressRange: { first: 0x0a_00_00_64, last: 0x0a_00_00_6b }, // 10.0.0.100 to 107
  portRange: { first: 32_000, last: 32_999 },
  ruleRange: { first: 10_000, last: 10_999 },
};

/** A world whose router has hosts 1 to `count`, made by hand. */
export async function handMadeWorld(t: Scope, count: number, options: WorldOptions = {}) {
  const hosts = Array.from({ length: count }, (_, place) => handMade(place + 1));
  const config = { pools: smallPools, ...options.config };
  const world = await makeWorld(t, { foreign: hosts.flatMap(holdingsOf), ...options, config });
  serve(world.bus, AdoptableService.method.listAdoptable, async ({ pageToken }) => {
    const from = Number(pageToken || 0);
    const page = hosts.slice(from, from + 500);
    return {
      mappings: page.map(({ mapping }) => ({ mapping })),
      rules: page.map(({ rule }) => ({ rule })),
      nextPageToken: from + 500 < hosts.length ? String(from + 500) : '',
    };
  });
  await world.bus.ping();
  return world;
}

/** Asks for an adoption as the gateway does; gives back the bulk's id. */
export async function adopt(
  world: World,
  asked: Asked = { all: true },
  principal = anAdmin(),
  idempotency?: { readonly key: string; readonly scope: string; readonly fingerprint: Uint8Array },
): Promise<string> {
  const context = world.context({ operationId: randomUUID(), principal, ...(idempotency && { idempotency }) });
  const message = { router: 'default', ...asked, context };
  const { bulk } = await request(world.bus, AdoptionService.method.adoptObjects, message, { timeoutMs: 20_000 });
  return bulk?.id ?? '';
}

export const preview = (world: World, principal = anAdmin()) =>
  request(world.bus, AdoptionService.method.previewAdoption, { principal, router: 'default' }, { timeoutMs: 20_000 });
