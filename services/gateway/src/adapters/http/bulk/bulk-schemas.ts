import type { Problem } from '@berth/errors';
import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';
import type { ProvisionedVm } from '../vms/vm-schemas.ts';
import { provisionVmBody } from '../vms/vm-schemas.ts';

const mode = Type.Enum(['best_effort', 'atomic'], {
  description:
    '`best_effort` (default): what cannot be done does not concern the others. `atomic`: all items or none; provisions only, at most 2,000.',
});

/** What stands around the items of a bulk. The items are looked at one by one, so that a wrong one concerns itself alone. */
export const bulkEnvelope = Type.Object(
  { mode: Type.Optional(mode), items: Type.Array(Type.Unknown(), { minItems: 1 }) },
  strict,
);

export const bulkQuery = Type.Object(
  {
    mode: Type.Optional(
      Type.Unsafe<Static<typeof mode>>({
        type: 'string',
        enum: ['best_effort', 'atomic'],
        description: 'As in the body, for lists and lines, which have no place for it.',
      }),
    ),
    dry_run: Type.Optional(
      Type.Boolean({ description: 'Answers 200 with what it would do (`Plan`), for at most 200 items.' }),
    ),
  },
  strict,
);

/** A VM to remove. */
export const decommissionItem = Type.Union([
  Type.String({ description: 'The VM’s name or id.' }),
  Type.Object({ machine_id: Type.String({ description: 'The VM’s name or id.' }) }, strict),
]);

const items = { minItems: 1, maxItems: 10_000 } as const;

/** The bodies of bulks, for the documentation. */
export const bulkProvisionBody = Type.Union(
  [
    Type.Object({ mode: Type.Optional(mode), items: Type.Array(provisionVmBody, items) }, strict),
    Type.Array(provisionVmBody, items),
  ],
  { examples: [{ items: [{ vm_name: 'web-01' }, { vm_name: 'web-02' }] }] },
);
export const bulkDecommissionBody = Type.Union(
  [
    Type.Object(
      { mode: Type.Optional(Type.Literal('best_effort')), items: Type.Array(decommissionItem, items) },
      strict,
    ),
    Type.Array(decommissionItem, items),
  ],
  { examples: [{ items: ['web-01', { machine_id: 'web-02' }] }] },
);

const states = Type.Enum(['running', 'succeeded', 'failed', 'cancelled'], {
  description:
    'Running until every item has ended; then succeeded when all items have, cancelled when somebody asked for that and some were, else failed.',
});

const summary = {
  id: Type.String({ format: 'uuid' }),
  state: states,
  mode,
  total: Type.Integer({ description: 'How many items it has.' }),
  succeeded: Type.Integer({ description: 'How many of them succeeded.' }),
  failed: Type.Integer({ description: 'How many failed or were refused.' }),
};

const summaryExample = {
  id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
  state: 'failed',
  mode: 'best_effort',
  total: 2,
  succeeded: 1,
  failed: 1,
};

/** What became of one item. */
export const bulkItemDocument = Type.Object(
  {
    index: Type.Integer({ description: 'Its place in the request, from 0.' }),
    machine_id: nullable(Type.String({ description: 'The name or id that it gave; null when it could not be read.' })),
    status: Type.Enum(['pending', 'running', 'succeeded', 'failed']),
    vm: nullable(Type.Unsafe<ProvisionedVm>({ $ref: 'ProvisionedVm#' })),
    operation_id: nullable(Type.String({ description: 'The operation that it started; null when it was refused.' })),
    problem: nullable(Type.Unsafe<Problem>({ $ref: 'Problem#' })),
  },
  {
    $id: 'BulkItem',
    description: 'What became of an item; `vm` when it was provisioned or adopted, `problem` when it failed.',
    examples: [
      {
        index: 1,
        machine_id: 'web-02',
        status: 'running',
        vm: null,
        operation_id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11',
        problem: null,
      },
    ],
  },
);
export type BulkItemDocument = Static<typeof bulkItemDocument>;

const results = Type.Array(Type.Unsafe<BulkItemDocument>({ $ref: 'BulkItem#' }), { description: 'In their order.' });

/** How far a bulk is. */
export const bulkDocument = Type.Object(
  {
    ...summary,
    error: nullable(Type.Unsafe<Problem>({ $ref: 'Problem#' })),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
  },
  {
    $id: 'Bulk',
    description: 'How far a bulk is. Kept for 7 days after its end.',
    examples: [
      {
        ...summaryExample,
        state: 'running',
        failed: 0,
        error: null,
        created_at: '2026-01-01T12:00:00.000Z',
        updated_at: '2026-01-01T12:00:01.000Z',
      },
    ],
  },
);
export type BulkDocument = Static<typeof bulkDocument>;

/** A bulk that has ended, with its items. */
export const bulkResult = Type.Object(
  { ...summary, results },
  {
    $id: 'BulkResult',
    description: 'A bulk that has ended, with what became of each item.',
    examples: [{ ...summaryExample, results: [] }],
  },
);

/** A page of a bulk's items. */
export const bulkItemPage = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    results,
    next_offset: nullable(Type.Integer({ description: 'Where the next page begins; null on the last.' })),
  },
  {
    $id: 'BulkItemPage',
    description: 'A page of what became of a bulk’s items.',
    examples: [{ id: summaryExample.id, results: [], next_offset: null }],
  },
);

export const bulkItemsQuery = Type.Object(
  {
    offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, description: 'From this place on; default 0.' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, description: 'At most so many; default 500.' })),
  },
  strict,
);
