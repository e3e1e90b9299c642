import { type Static, Type } from 'typebox';
import { anyObject, nullable, strict } from '../json-types.ts';

const moment = Type.String({ format: 'date-time' });
const kind = Type.Enum(['added', 'deleted', 'updated']);
const policy = Type.Enum(['report', 'repair', 'accept']);
const count = Type.Integer({ minimum: 0 });

const report = Type.Object({
  added: Type.Integer({ description: 'Paths of Berth where something stands although nothing should.' }),
  deleted: Type.Integer({ description: 'Paths of Berth where nothing stands although something should.' }),
  updated: Type.Integer({ description: 'Paths of Berth where something else stands.' }),
  no_change: Type.Integer({ description: 'Paths of Berth that stand as they were applied.' }),
});

const driftItem = Type.Object({
  id: Type.String({ format: 'uuid' }),
  path: Type.String({ description: 'The rule or static mapping, as words.' }),
  vm_id: Type.String({ description: 'The VM whose it is.' }),
  kind,
  state: Type.Enum(['open', 'repaired', 'accepted', 'gone']),
  expected: nullable(anyObject({ description: 'What is applied there. null: nothing.' })),
  found: nullable(anyObject({ description: 'What stands there. null: nothing.' })),
  repair: Type.Object(
    {
      lines: Type.Array(Type.String(), { description: '`set` and `delete`, as on the router’s command line.' }),
      delete: anyObject(),
      set: anyObject(),
    },
    { description: 'What leads back to what is applied: as lines, and as trees.' },
  ),
  changed_after: nullable(Type.String({ format: 'date-time', description: 'The last look that did not show it.' })),
  first_seen_at: moment,
  last_seen_at: moment,
  changed_by: Type.String({ description: 'VyOS’s API does not tell who changed what, so this says so.' }),
  policy,
  repairing: Type.Boolean({ description: 'The next commit undoes it.' }),
  contested: Type.Boolean({ description: 'Somebody makes it again after each repair: it is left alone.' }),
  ended_at: nullable(moment),
  note: nullable(Type.String({ description: 'Why something else is done than the policy says, or how it ended.' })),
});
export type DriftItemDocument = Static<typeof driftItem>;

const exampleReport = { added: 0, deleted: 0, updated: 1, no_change: 41 };
const examplePath = 'nat destination rule 10000';

export const driftDocument = Type.Object(
  {
    router: Type.String(),
    status: Type.Enum(['clean', 'drifted', 'unknown', 'never_checked'], {
      description:
        '`unknown`: nothing was found at `checked_at`, and the router does not answer now (see `router_state`).',
    }),
    router_state: Type.Enum(['ok', 'unseen', 'unreachable', 'breaker_open', 'unknown', 'blocked', 'disabled']),
    checked_at: nullable(moment),
    age_seconds: nullable(Type.Number({ description: 'How old that is. Not part of the ETag.' })),
    cost_ms: Type.Integer({ description: 'What the reading cost the router.' }),
    under_way: Type.Boolean({ description: 'A newer check was asked for and is not done yet.' }),
    report,
    open: Type.Integer({ description: 'Differences that are there now.' }),
    repairing: Type.Integer({ description: 'Those of them that the next commit undoes.' }),
    unsaved_commits: Type.Integer({ description: 'Commits of Berth that are running and not saved.' }),
    foreign_changes: nullable(
      Type.Object(
        {
          after: moment,
          seen_at: moment,
          added: count,
          deleted: count,
          updated: count,
          changes: Type.Array(Type.Object({ path: Type.String(), kind })),
        },
        { description: 'What others changed of their own, when that was seen last. Never undone.' },
      ),
    ),
    items: Type.Array(driftItem),
    next_cursor: nullable(Type.String()),
  },
  {
    $id: 'Drift',
    description: 'How a router differs from what Berth applied there.',
    examples: [
      {
        router: 'default',
        status: 'drifted',
        router_state: 'ok',
        checked_at: '2026-01-01T12:00:00.000Z',
        age_seconds: 12.3,
        cost_ms: 480,
        under_way: false,
        report: exampleReport,
        open: 1,
        repairing: 0,
        unsaved_commits: 0,
        foreign_changes: null,
        items: [
          {
            id: '0b6b2b53-2c1f-4d51-9ab2-6f0c1f1c8a11',
            path: examplePath,
            vm_id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
            kind: 'updated',
            state: 'open',
            expected: { protocol: 'tcp' },
            found: { protocol: 'udp' },
            repair: {
              lines: [`set ${examplePath} protocol tcp`],
              delete: {},
              set: { nat: { destination: { rule: { 10000: { protocol: { tcp: {} } } } } } },
            },
            changed_after: '2026-01-01T11:58:00.000Z',
            first_seen_at: '2026-01-01T11:59:00.000Z',
            last_seen_at: '2026-01-01T12:00:00.000Z',
            changed_by: 'unknown: a person or another program on the router',
            policy: 'report',
            repairing: false,
            contested: false,
            ended_at: null,
            note: null,
          },
        ],
        next_cursor: null,
      },
    ],
  },
);
export type DriftDocument = Static<typeof driftDocument>;

export const checkDriftBody = Type.Object(
  {
    repair: Type.Optional(
      Type.Boolean({ description: 'Undo every difference on paths of Berth, whatever its policy. Default false.' }),
    ),
    wait: Type.Optional(
      Type.Number({ minimum: 0, maximum: 120, description: 'Seconds to wait for the end. Default 0.' }),
    ),
  },
  { ...strict, examples: [{ repair: true, wait: 30 }] },
);

const rules = Type.Array(
  Type.Object(
    {
      path: Type.String({
        maxLength: 512,
        description: 'Words of a path; it holds at and below it. Empty: the whole router.',
      }),
      policy,
    },
    strict,
  ),
  { maxItems: 100 },
);
const exampleRules = [
  {
    policies: [
      { path: '', policy: 'repair' },
      { path: examplePath, policy: 'report' },
    ],
  },
];

export const driftPoliciesBody = Type.Object({ policies: rules }, { ...strict, examples: exampleRules });
export type DriftRules = Static<typeof driftPoliciesBody>;

export const driftPolicies = Type.Object(
  { policies: rules },
  {
    $id: 'DriftPolicies',
    description: 'What is done about differences: the longest path counts, and where none fits they are reported.',
    examples: exampleRules,
  },
);

export const syncResult = Type.Object(
  {
    status: Type.Enum(['success', 'pending']),
    message: Type.String(),
    report,
  },
  {
    $id: 'SyncResult',
    description: 'How routers compare, counted over all that were checked.',
    examples: [{ status: 'success', message: 'Checked 1 router: 1 difference.', report: exampleReport }],
  },
);
export type SyncResultDocument = Static<typeof syncResult>;
