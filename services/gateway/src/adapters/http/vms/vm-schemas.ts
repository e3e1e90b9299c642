import { type Static, Type } from 'typebox';
import { forwardsMaxCount } from '../../../domain/forwards/forwards.ts';
import { portRangeBounds } from '../../../domain/port-range.ts';
import { namePattern } from '../../../domain/vms/vm-name.ts';
import { type ForwardDocument, forwardName, newForward } from '../forwards/forward-schemas.ts';
import { anyObject, mapOf, nullable, strict } from '../json-types.ts';

/** Names of routers and groups. */
export const label = { pattern: '^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$', maxLength: 64 } as const;
const poolName = (kind: string, what: string) =>
  Type.String({
    pattern: `^(${kind}/)?[A-Za-z0-9._-]{1,63}$`,
    maxLength: 80,
    description: `The pool of ${what}: its name, with or without \`${kind}/\`. Default: the group’s or the router’s.`,
  });

/** What `POST /v1/vms/provision` takes. */
export const provisionVmBody = Type.Object(
  {
    vm_name: Type.String({
      pattern: namePattern,
      maxLength: 63,
      description: 'Unique ignoring case. Must not look like a UUID.',
    }),
    mac_address: Type.Optional(
      Type.String({
        maxLength: 17,
        description: 'With colons, hyphens or dots; unicast. Default: a locally administered one is made up.',
      }),
    ),
    metadata: Type.Optional(
      anyObject({
        description: 'Kept and returned. At most 16,384 bytes of JSON and 16 levels.',
      }),
    ),
    ip_range: Type.Optional(
      Type.Union(
        [
          Type.Object(
            {
              base: Type.String({ maxLength: 16, description: 'A network’s beginning: `10.10.1` or `10.10.1.0`.' }),
              start: Type.Integer({ minimum: 0, maximum: 16_777_215, description: 'Counted from the base.' }),
              end: Type.Integer({ minimum: 0, maximum: 16_777_215, description: 'Counted from the base; included.' }),
            },
            strict,
          ),
          Type.Object({ cidr: Type.String({ maxLength: 18, description: 'All addresses of this network.' }) }, strict),
          Type.Object({ first: Type.String({ maxLength: 15 }), last: Type.String({ maxLength: 15 }) }, strict),
        ],
        {
          description:
            'Where the address must lie: {base, start, end}, {cidr} or {first, last}. Default: anywhere in the pool.',
        },
      ),
    ),
    port_range: Type.Optional(
      Type.Object(
        { start: Type.Integer(portRangeBounds), end: Type.Integer(portRangeBounds) },
        { ...strict, description: 'Where the external ports must lie, both included. Default: anywhere in the pool.' },
      ),
    ),
    pool: Type.Optional(poolName('ip-pools', 'addresses')),
    port_pool: Type.Optional(poolName('port-pools', 'external ports')),
    rule_pool: Type.Optional(poolName('rule-pools', 'rule numbers')),
    router: Type.Optional(Type.String({ ...label, description: 'Default: the default router.' })),
    ports: Type.Optional(
      Type.Array(Type.Union([forwardName, newForward]), {
        maxItems: forwardsMaxCount,
        description:
          'The forwards, by name of the template or in full. Default: those of the template. An empty list: none.',
      }),
    ),
    hostname: Type.Optional(
      Type.String({
        pattern: namePattern,
        maxLength: 63,
        description: 'The static mapping’s name on the router, unique there. Default: vm_name.',
      }),
    ),
    owner_group: Type.Optional(
      Type.String({
        ...label,
        description: 'The group that owns it, for which `vms:write` is needed. Default: the caller’s own.',
      }),
    ),
  },
  {
    ...strict,
    examples: [
      { vm_name: 'web-01' },
      {
        vm_name: 'db-01',
        mac_address: '52:54:00:12:34:56',
        metadata: { owner: 'team-a' },
        ip_range: { base: '10.10.1', start: 50, end: 99 },
        port_range: { start: 40_000, end: 40_099 },
        ports: ['ssh', { name: 'postgres', internal_port: 5432, sources: ['198.51.100.0/24'] }],
      },
    ],
  },
);

/** What a provisioned VM is answered with. */
export const provisionedVm = Type.Object(
  {
    status: Type.Literal('success'),
    vm_id: Type.String({ format: 'uuid' }),
    machine_id: Type.String({ description: 'The VM’s name.' }),
    vm_name: Type.String(),
    mac_address: Type.String({ description: 'Lower case with colons.' }),
    internal_ip: Type.String(),
    external_ip: Type.String(),
    external_ports: mapOf(Type.Integer(), {
      description: 'By the forward’s name; those of one port. `forwards` has all.',
    }),
    forwards: Type.Array(Type.Unsafe<ForwardDocument>({ $ref: 'Forward#' })),
    nat_rule_base: nullable(Type.Integer({ description: 'The lowest rule number; null without forwards.' })),
    metadata: anyObject(),
    operation_id: Type.String({ format: 'uuid' }),
  },
  {
    $id: 'ProvisionedVm',
    description: 'A VM with its address and forwards, as they stand on the router.',
    examples: [
      {
        status: 'success',
        vm_id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11',
        machine_id: 'web-01',
        vm_name: 'web-01',
        mac_address: '52:54:00:12:34:56',
        internal_ip: '10.10.1.50',
        external_ip: '192.0.2.1',
        external_ports: { ssh: 32000, http: 32001, https: 32002 },
        forwards: [],
        nat_rule_base: 10000,
        metadata: {},
        operation_id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
      },
    ],
  },
);
export type ProvisionedVm = Static<typeof provisionedVm>;

/** What a decommissioned VM is answered with. */
export const decommissionedVm = Type.Object(
  { status: Type.Literal('success'), message: Type.String() },
  {
    $id: 'DecommissionedVm',
    description: 'The mapping and forwards are gone from the router.',
    examples: [{ status: 'success', message: 'VM web-01 is decommissioned.' }],
  },
);
export type DecommissionedVm = Static<typeof decommissionedVm>;

/** The path parameter that names a VM. */
export const machineParams = Type.Object({ machine_id: Type.String({ description: 'The VM’s name or id.' }) });

/** The path parameter that names a forward. */
export const forwardNameParam = Type.String({ description: 'The forward’s name, for example `ssh`.' });
