import { type Static, Type } from 'typebox';
import { namePattern } from '../../../domain/vms/vm-name.ts';
import { exampleForward, type ForwardDocument } from '../forwards/forward-schemas.ts';
import { anyObject, nullable, strict } from '../json-types.ts';
import { label } from './vm-schemas.ts';

/** What `PATCH /v1/vms/{machine_id}` takes. */
export const updateVmBody = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        pattern: namePattern,
        maxLength: 63,
        description: 'Unique ignoring case. The static mapping is renamed with it when it bears the VM’s name.',
      }),
    ),
    vm_name: Type.Optional(
      Type.String({ pattern: namePattern, maxLength: 63, description: 'Another word for `name`.' }),
    ),
    mac_address: Type.Optional(Type.String({ maxLength: 17, description: 'With colons, hyphens or dots; unicast.' })),
    hostname: Type.Optional(
      nullable(
        Type.String({
          pattern: namePattern,
          maxLength: 63,
          description: 'The static mapping’s name on the router; null: the VM’s name.',
        }),
      ),
    ),
    metadata: Type.Optional(
      nullable(anyObject({ description: 'Replaces all of it; null removes it. At most 16,384 bytes of JSON.' })),
    ),
    owner_group: Type.Optional(
      nullable(Type.Union([Type.String(label), Type.Literal('')], { description: 'null or empty: none.' })),
    ),
  },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays.',
    examples: [{ name: 'web-02' }, { mac_address: '52:54:00:65:43:21', metadata: null, owner_group: 'blue' }],
  },
);

const timestamp = Type.String({ format: 'date-time' });
const poolName = (what: string) => nullable(Type.String({ description: `${what}; null: of none.` }));

const exampleVm = {
  id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11',
  name: 'web-01',
  mac_address: '52:54:00:12:34:56',
  hostname: 'web-01',
  router: 'default',
  internal_ip: '10.10.1.50',
  external_ip: '192.0.2.1',
  nat_rule_base: 10_000,
  pools: { ip: 'ip-pools/default', port: 'port-pools/default', rule: 'rule-pools/default' },
  metadata: {},
  owner_group: null,
  state: 'active',
  changing: false,
  forwards: [exampleForward],
  absent_forwards: [{ name: 'http', protocol: 'tcp', nat_rule_number: 10_001 }],
  version: 1,
  created_at: '2026-01-01T12:00:00.000Z',
  updated_at: '2026-01-01T12:00:04.000Z',
};

export const vmDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    name: Type.String(),
    mac_address: Type.String({ description: 'Lower case with colons.' }),
    hostname: Type.String({ description: 'The static mapping’s name on the router.' }),
    router: Type.String(),
    internal_ip: Type.String(),
    external_ip: Type.String(),
    nat_rule_base: nullable(Type.Integer({ description: 'The lowest rule number; null without forwards.' })),
    pools: Type.Object(
      {
        ip: poolName('The pool that its address is of'),
        port: poolName('The pool that its external ports are of'),
        rule: poolName('The pool that its rule numbers are of'),
      },
      { description: 'For example `ip-pools/default`.' },
    ),
    metadata: anyObject(),
    owner_group: nullable(Type.String()),
    state: Type.Enum(['provisioning', 'active', 'removing'], {
      description: '`provisioning` and `removing`: accepted, and the router has not confirmed it yet.',
    }),
    changing: Type.Boolean({ description: 'Changes are on their way to the router.' }),
    forwards: Type.Array(Type.Unsafe<ForwardDocument>({ $ref: 'Forward#' })),
    absent_forwards: Type.Array(
      Type.Object({
        name: Type.String(),
        protocol: Type.Enum(['tcp', 'udp', 'tcp_udp']),
        nat_rule_number: Type.Integer({ description: 'Kept for it.' }),
      }),
      { description: 'Those of its template, and those deleted by name, that do not exist now.' },
    ),
    version: Type.Integer({ description: 'Grows with each change that is accepted; `If-Match` compares it.' }),
    created_at: timestamp,
    updated_at: timestamp,
  },
  { $id: 'Vm', description: 'A VM as the router has confirmed it.', examples: [exampleVm] },
);
export type VmDocument = Static<typeof vmDocument>;

export const vmPage = Type.Object(
  {
    items: Type.Array(Type.Unsafe<VmDocument>({ $ref: 'Vm#' })),
    next_cursor: nullable(Type.String({ description: 'null on the last page.' })),
  },
  {
    $id: 'VmPage',
    description: 'VMs in the order that was asked for.',
    examples: [{ items: [exampleVm], next_cursor: null }],
  },
);
