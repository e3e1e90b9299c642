import type { Problem } from '@berth/errors';
import { type Static, Type } from 'typebox';
import { anyObject, nullable, strict } from '../json-types.ts';

const moment = Type.String({ format: 'date-time' });
const lines = (description: string) => Type.Array(Type.String(), { description });
const tree = Type.Object(
  { delete: anyObject({ description: 'What goes.' }), set: anyObject({ description: 'What comes, or changes.' }) },
  { description: 'The same as two trees, down to `{}` where a path ends.' },
);

const operation = Type.Object({
  op: Type.Enum(['set', 'delete']),
  path: Type.Array(Type.String(), { description: 'The value of a leaf stands at the end.' }),
  vm_id: nullable(Type.String({ description: 'The VM that it is for.' })),
});

const routerPlan = Type.Object({
  router: Type.String(),
  operations: Type.Array(operation, { description: 'In the order in which the router gets them.' }),
  lines: lines('The same as a person would type them.'),
  tree,
  inverse: Type.Object({ lines: lines('The way back from there.'), tree }),
  restarts_dhcp: Type.Boolean({ description: 'The DHCP server restarts: nobody gets a lease for a second or so.' }),
  estimated_seconds: Type.Number({ description: 'As the router was seen to be; when nothing else is sent with it.' }),
  commits: Type.Integer(),
  conflicts: Type.Array(Type.Object({ vm_id: Type.String(), path: nullable(Type.String()), message: Type.String() }), {
    description: 'What others hold in the way: such a plan cannot be applied.',
  }),
});
export type RouterPlanDocument = Static<typeof routerPlan>;

const plannedVm = Type.Object({
  vm_id: Type.String(),
  vm_name: Type.String(),
  router: Type.String(),
  owner_group: nullable(Type.String()),
  removed: Type.Boolean({ description: 'It would go; what follows is what it has now.' }),
  internal_ip: Type.String(),
  mac_address: Type.String(),
  hostname: Type.String(),
  nat_rule_base: nullable(Type.Integer()),
  forwards: Type.Array(
    Type.Object({
      name: Type.String(),
      protocol: Type.String(),
      external_port: Type.Integer(),
      external_port_end: Type.Integer(),
      internal_port: Type.Integer(),
      internal_port_end: Type.Integer(),
      rule_numbers: Type.Array(Type.Integer()),
      enabled: Type.Boolean(),
    }),
    { description: 'Those that would stand.' },
  ),
});

const states = ['open', 'applied', 'failed', 'expired', 'outdated', 'discarded'] as const;

const summary = {
  id: nullable(Type.String({ description: 'null: a dry run, of which nothing is kept.' })),
  hash: Type.String({ description: 'Two plans with the same hash do the same.' }),
  state: Type.Enum(['dry_run', ...states], {
    description: '`failed`: it was applied, and its operation has failed. `outdated`: `reason` says what has changed.',
  }),
  kind: Type.Enum([
    'provision_vm',
    'change_ports',
    'change_forwards',
    'update_vm',
    'decommission_vm',
    'restore_vm',
    'bulk',
  ]),
  request: Type.String({ description: 'The write that it stands for.' }),
  warnings: Type.Array(Type.String()),
  created_at: moment,
  expires_at: nullable(Type.String({ format: 'date-time', description: 'Until then it holds its values.' })),
  operation_id: nullable(Type.String({ description: 'What applying it started.' })),
  operation_state: nullable(
    Type.Enum(['pending', 'running', 'succeeded', 'failed', 'cancelled'], {
      description: 'How that stands; null before.',
    }),
  ),
  reason: nullable(Type.String({ description: 'Why it cannot be applied any more, where the state does not say it.' })),
};

const example = {
  id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
  hash: '9a0364b9e99bb480dd25e1f0284c8555f1f3a4c5c0f8c7d2b9d1b6f6b3f5a1c2',
  state: 'open',
  kind: 'provision_vm',
  request: 'POST /v1/vms/provision',
  warnings: [],
  created_at: '2026-01-01T12:00:00.000Z',
  expires_at: '2026-01-01T12:10:00.000Z',
  operation_id: null,
  operation_state: null,
  reason: null,
};

/** What a write would do. */
export const planDocument = Type.Object(
  {
    ...summary,
    routers: Type.Array(routerPlan, { description: 'What each router would get; none where none is concerned.' }),
    vms: Type.Array(plannedVm, { description: 'The VMs as they would be.' }),
    refused: Type.Array(Type.Object({ index: Type.Integer(), problem: Type.Unsafe<Problem>({ $ref: 'Problem#' }) }), {
      description: 'Items of a best effort bulk that would be refused.',
    }),
  },
  {
    $id: 'Plan',
    description: 'What a write would do.',
    examples: [{ ...example, routers: [], vms: [], refused: [] }],
  },
);
export type PlanDocument = Static<typeof planDocument>;

/** A page of plans, without their operations and VMs. */
export const planPage = Type.Object(
  {
    items: Type.Array(Type.Object(summary)),
    next_cursor: nullable(Type.String({ description: 'null on the last page.' })),
  },
  { $id: 'PlanPage', description: 'Plans, the newest first.', examples: [{ items: [example], next_cursor: null }] },
);

export const createPlanBody = Type.Object(
  {
    request: Type.Object(
      {
        method: Type.Enum(['POST', 'PATCH', 'DELETE', 'PUT', 'GET'], {
          type: 'string',
          description: 'Writes of VMs are sent with POST, PATCH or DELETE; others are refused.',
        }),
        path: Type.String({
          pattern: '^/v1/[^#\\s]*$',
          maxLength: 2_000,
          description: 'With its query, if it has one; without `dry_run`.',
          examples: ['/v1/vms/provision'],
        }),
        body: Type.Optional(Type.Unknown({ description: 'The body that the write would have.' })),
      },
      { ...strict, description: 'The write, as it would be sent.' },
    ),
    expires_in_seconds: Type.Optional(
      Type.Integer({ minimum: 10, maximum: 3_600, description: 'How long it holds its values; default 600.' }),
    ),
  },
  {
    ...strict,
    examples: [{ request: { method: 'POST', path: '/v1/vms/provision', body: { vm_name: 'web-01' } } }],
  },
);

export const applyPlanBody = Type.Object(
  {
    hash: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{64}$', description: 'Refused with 412 unless the plan has this hash.' }),
    ),
  },
  { ...strict, examples: [{ hash: '9a0364b9e99bb480dd25e1f0284c8555f1f3a4c5c0f8c7d2b9d1b6f6b3f5a1c2' }] },
);

export const plansQuery = Type.Object(
  {
    state: Type.Optional(
      Type.Array(Type.Enum([...states]), {
        maxItems: 6,
        description: 'In one of these states; with commas or repeated.',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'At most so many; default 100.' })),
    cursor: Type.Optional(Type.String({ description: 'From the previous page.' })),
  },
  strict,
);
