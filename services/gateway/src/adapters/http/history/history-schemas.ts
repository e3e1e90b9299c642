import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { anyObject, nullable, strict } from '../json-types.ts';

const kinds = [
  'change',
  'repair',
  'way_back',
  'foreign',
  'drift',
  'baseline',
  'adoption',
  'accepted',
  'upgrade',
] as const;
const states = ['applied', 'refused', 'partial', 'settled', 'observed'] as const;

const time = (description: string) => Type.String({ format: 'date-time', description });
const text = (description: string) => Type.String({ description });

const commitFields = {
  id: Type.String(),
  number: Type.Integer({ description: 'Counted for each router, from 1.' }),
  router: Type.String(),
  kind: Type.Enum(kinds, {
    type: 'string',
    description:
      '`change`, `repair` or `way_back`: a commit of Berth; `foreign`, `drift`: what a look saw changed of others’ part, of Berth’s; `baseline`: where the history begins; `adoption`, `accepted`: what stood became a VM’s, or what is wanted, without a commit; `upgrade`: what another version of VyOS writes otherwise.',
  }),
  state: Type.Enum(states, {
    type: 'string',
    description:
      '`partial`: refused, and a part of it stood afterwards; `settled`: nobody heard the answer, what stood was read; `observed`: not Berth’s.',
  }),
  started_at: time('When it was sent, or seen.'),
  ended_at: time('When its end was known.'),
  duration_ms: nullable(Type.Integer({ description: 'How long the router took.' })),
  estimate_ms: nullable(Type.Integer({ description: 'How long it was thought to take.' })),
  epoch: Type.Integer({ description: 'Of the lease under which it was sent or seen.' }),
  message: text('The router’s words; empty when it said nothing.'),
  operations: Type.Integer({ description: 'Commands that were sent.' }),
  changed_lines: Type.Integer({ description: 'Rules, mappings and other places that really changed.' }),
  resources: Type.Integer({ description: 'VMs that it was about.' }),
  principals: Type.Array(Type.String(), { description: 'Who asked.' }),
};

const commitExample = {
  id: '0b7f6e0f-7c55-4d59-9d4c-6f0c1f5e4d0e',
  number: 42,
  router: 'default',
  kind: 'change',
  state: 'applied',
  started_at: '2026-11-22T08:00:00.000Z',
  ended_at: '2026-11-22T08:00:01.250Z',
  duration_ms: 1_245,
  estimate_ms: 1_100,
  epoch: 3,
  message: '',
  operations: 9,
  changed_lines: 2,
  resources: 1,
  principals: ['deploy'],
};

export const commitDocument = Type.Object(commitFields, {
  $id: 'Commit',
  description: 'An entry of a router’s history.',
  examples: [commitExample],
});
export type CommitDocument = Static<typeof commitDocument>;

export const commitPage = Type.Object(
  { items: Type.Array(Type.Object(commitFields)), next_cursor: nullable(Type.String()) },
  { $id: 'CommitPage', description: 'Newest first.', examples: [{ items: [commitExample], next_cursor: '42' }] },
);

const commands = Type.Object({
  lines: Type.Array(Type.String(), { description: 'As a person would type them.' }),
  tree: Type.Object(
    { delete: anyObject(), set: anyObject() },
    { description: 'The same as trees, down to `{}` behind each value.' },
  ),
});

const causes = Type.Array(
  Type.Object({
    operation_id: nullable(Type.String()),
    request_id: nullable(Type.String()),
    principal_id: nullable(Type.String()),
    principal: nullable(text('The name of who asked.')),
    trace_id: nullable(Type.String()),
  }),
  { description: 'The requests behind it.' },
);

export const commitDetail = Type.Object(
  {
    ...commitFields,
    sent: commands,
    changes: commands,
    inverse: commands,
    by_resource: Type.Array(
      Type.Object({
        vm_id: text('The VM’s id.'),
        purpose: Type.Enum(['change', 'repair', 'way_back', 'drift'], { type: 'string' }),
        because_of: nullable(
          Type.Integer({ description: 'The entry that is the reason: a drift, or a refused change.' }),
        ),
        causes,
        before: anyObject({ description: 'What stood where it changed.' }),
        after: anyObject({ description: 'What stood there afterwards.' }),
      }),
    ),
    others: Type.Object(
      { before: anyObject(), after: anyObject() },
      { description: 'The same of lines that are not Berth’s.' },
    ),
  },
  {
    $id: 'CommitDetail',
    description: 'An entry of a router’s history: what was sent, what really changed, and the way back from that.',
    examples: [
      {
        ...commitExample,
        sent: { lines: ['delete nat destination rule 10000'], tree: { delete: {}, set: {} } },
        changes: { lines: ['delete nat destination rule 10000'], tree: { delete: {}, set: {} } },
        inverse: { lines: ['set nat destination rule 10000 protocol tcp'], tree: { delete: {}, set: {} } },
        by_resource: [],
        others: { before: {}, after: {} },
      },
    ],
  },
);

export const configAtDocument = Type.Object(
  {
    router: Type.String(),
    commit: nullable(Type.Object(commitFields, { description: 'The entry whose result it is; null: not kept.' })),
    part: Type.Enum(['owned', 'all'], { type: 'string' }),
    lines: Type.Optional(Type.Array(Type.String())),
    tree: Type.Optional(anyObject()),
  },
  {
    $id: 'ConfigAt',
    description: 'What stood on a router after an entry of its history.',
    examples: [
      { router: 'default', commit: commitExample, part: 'all', lines: ['set nat destination rule 10000 protocol tcp'] },
    ],
  },
);

export const configDiff = Type.Object(
  {
    router: Type.String(),
    from: nullable(Type.Object(commitFields)),
    to: nullable(Type.Object(commitFields)),
    part: Type.Enum(['owned', 'all'], { type: 'string' }),
    ...commands.properties,
  },
  {
    $id: 'ConfigDiff',
    description: 'What leads from one moment to another.',
    examples: [
      {
        router: 'default',
        from: null,
        to: commitExample,
        part: 'all',
        lines: ['delete nat destination rule 10000'],
        tree: { delete: {}, set: {} },
      },
    ],
  },
);

const origin = Type.Object({
  commit_id: Type.String(),
  commit_number: Type.Integer(),
  kind: Type.Enum(kinds, { type: 'string' }),
  at: time('When.'),
  causes,
});

export const explainedLines = Type.Object(
  {
    router: Type.String(),
    owner: Type.Enum(['berth', 'foreign', 'both', 'nobody'], { type: 'string', description: 'Of what was found.' }),
    looked_at: nullable(time('When the router was read last: of what others did since, nothing is known.')),
    lines: Type.Array(
      Type.Object({
        path: text('A rule, a mapping, or another place.'),
        owner: Type.Enum(['berth', 'foreign'], { type: 'string' }),
        vm: nullable(Type.Object({ id: Type.String(), name: nullable(Type.String()) })),
        forward: nullable(text('The name of the VM’s forward that the rule is of.')),
        standing: Type.Array(Type.String(), { description: 'None: it is missing on the router.' }),
        expected: nullable(
          Type.Array(Type.String(), { description: 'What should stand there; null: it is a line of others.' }),
        ),
        as_expected: nullable(Type.Boolean()),
        put: origin,
        changed: origin,
      }),
    ),
  },
  {
    $id: 'ExplainedLines',
    description: 'Whose lines are, and why they are there.',
    examples: [{ router: 'default', owner: 'nobody', looked_at: '2026-11-22T08:00:00.000Z', lines: [] }],
  },
);
export type ExplainedLinesDocument = Static<typeof explainedLines>;

export const routerParams = Type.Object({ router: Type.String({ description: 'The router’s name.' }) });
export const commitParams = Type.Object({
  ...routerParams.properties,
  commit: Type.String({ description: 'The commit’s number or id.' }),
});

const moment = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 64,
    description: `${description} A time (RFC 3339), or a commit’s number or id.`,
  });
const part = Type.Optional(
  Type.Enum(['owned', 'all'], {
    type: 'string',
    description: '`owned`: only what Berth put there. Default `all`: all of NAT and of the DHCP server.',
  }),
);

export const configQuery = Type.Object(
  {
    at: Type.Optional(moment('Default: now, as far as it was seen.')),
    format: Type.Optional(Type.Enum(['tree', 'lines'], { type: 'string', description: 'Default `tree`.' })),
    part,
  },
  strict,
);

export const diffQuery = Type.Object(
  {
    from: moment('Where it begins.'),
    to: Type.Optional(moment('Where it leads; default: now, as far as it was seen.')),
    part,
  },
  strict,
);

export const commitsQuery = Type.Object(
  {
    since: Type.Optional(Type.String({ maxLength: 64, description: 'Ended at this time or later (RFC 3339).' })),
    until: Type.Optional(Type.String({ maxLength: 64, description: 'Ended before this time (RFC 3339).' })),
    vm: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description:
          'About this VM: its id, or its name; of a removed one the last name that it had. 404 for a name that no VM is known to have had.',
      }),
    ),
    state: Type.Optional(Type.Array(Type.Enum(states), { maxItems: 5, description: 'With commas or repeated.' })),
    kind: Type.Optional(Type.Array(Type.Enum(kinds), { maxItems: 6, description: 'With commas or repeated.' })),
    principal: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'Asked for by this principal: id or name.' }),
    ),
    ...pageQuery(500).properties,
  },
  strict,
);

export const explainQuery = Type.Object(
  {
    path: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000, description: 'As typed on the router.' })),
    rule: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999, description: 'Of a destination NAT rule.' })),
    port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'An external port.' })),
    protocol: Type.Optional(Type.Enum(['tcp', 'udp'], { type: 'string', description: 'With a port.' })),
    external_ip: Type.Optional(Type.String({ maxLength: 15, description: 'With a port.' })),
    address: Type.Optional(Type.String({ maxLength: 15, description: 'Of a mapping, or that a rule leads to.' })),
    mapping: Type.Optional(Type.String({ minLength: 1, maxLength: 253, description: 'The name of a static mapping.' })),
    vm: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'A VM that exists, by name or id; alone or with `forward`.',
      }),
    ),
    forward: Type.Optional(Type.String({ minLength: 1, maxLength: 63, description: 'Of that VM: its rules alone.' })),
    mac: Type.Optional(Type.String({ maxLength: 17, description: 'A MAC address, in any notation.' })),
  },
  strict,
);
