import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';

const windowSeconds = Type.Enum([60, 3_600, 86_400], { description: 'In which time: a minute, an hour or a day.' });
const counted = Type.String({ maxLength: 40, description: 'An endpoint group; empty: all of them together.' });
const rule = Type.Object(
  {
    subject: Type.Enum(['address', 'user', 'key'], { description: 'Of whom requests are counted.' }),
    endpoint_group: counted,
    window_seconds: windowSeconds,
    requests: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000_000,
      description: 'At most so many; 0: without limit.',
    }),
    mode: Type.Enum(['block', 'slow'], {
      description:
        '`block` refuses what is beyond. `slow` answers it later and later, up to 5 seconds, and refuses what is beyond twice as many.',
    }),
  },
  strict,
);
const ruleExample = { subject: 'user', endpoint_group: '', window_seconds: 3_600, requests: 5_000, mode: 'block' };

export const limitsBody = Type.Object(
  { rules: Type.Array(rule, { maxItems: 200 }) },
  { ...strict, examples: [{ rules: [ruleExample] }] },
);

export const limitsDocument = Type.Object(
  { rules: Type.Array(rule) },
  {
    $id: 'Limits',
    description: 'What holds for whoever has no limit of their own or of their groups.',
    examples: [{ rules: [ruleExample] }],
  },
);

const usage = Type.Object({
  subject: Type.String(),
  endpoint_group: counted,
  window_seconds: windowSeconds,
  limit: Type.Integer({
    description: 'With the mode `slow` twice the requests of the rule: what is beyond is refused.',
  }),
  used: Type.Integer({ description: 'Up to so many: what gateways hold ready is in it.' }),
  resets_at: Type.String({ format: 'date-time', description: 'When the window ends.' }),
});

export const usageDocument = Type.Object(
  { items: Type.Array(usage) },
  {
    $id: 'Usage',
    description: 'What was used in the windows that are open now, of each limit that a request counted for.',
    examples: [
      {
        items: [
          {
            ...{ subject: 'user:0f8fad5b-d9cb-469f-a165-70867728950e', endpoint_group: '', window_seconds: 3_600 },
            ...{ limit: 5_000, used: 250, resets_at: '2026-01-01T13:00:00.000Z' },
          },
        ],
      },
    ],
  },
);
export type UsageDocument = Static<typeof usageDocument>;

export const usageQuery = Type.Object(
  { subject: Type.String({ minLength: 1, maxLength: 128, description: '`ip:…`, `user:…` or `key:…`.' }) },
  strict,
);
export const noQuery = Type.Object({}, strict);

const subject = Type.String({
  minLength: 4,
  maxLength: 128,
  description: '`ip:<address>`, `user:<id>` or `key:<id>`. Of IPv6 the network of 64 bits is kept out.',
});
const blockExample = {
  ...{ subject: 'ip:198.51.100.7', reason: 'Too many requests were refused.', automatic: true, repetitions: 2 },
  ...{ blocked_at: '2026-01-01T12:00:00.000Z', until: '2026-01-01T12:02:00.000Z', blocked_by: null },
};

export const addBlockBody = Type.Object(
  {
    subject,
    reason: Type.String({ minLength: 1, maxLength: 200, description: 'Whoever is kept out reads it.' }),
    seconds: Type.Optional(
      nullable(
        Type.Integer({ minimum: 1, maximum: 3_153_600_000, description: 'For how long. Default: until it is lifted.' }),
      ),
    ),
  },
  { ...strict, examples: [{ subject: 'ip:198.51.100.7', reason: 'Scans ports.', seconds: 3_600 }] },
);

export const blockDocument = Type.Object(
  {
    subject,
    reason: Type.String(),
    blocked_at: Type.String({ format: 'date-time' }),
    until: nullable(Type.String({ format: 'date-time', description: 'null: until it is lifted.' })),
    automatic: Type.Boolean({ description: 'Berth did it by itself.' }),
    repetitions: Type.Integer({ description: 'How often it did within a day; each time is twice as long.' }),
    blocked_by: nullable(Type.String({ description: 'Whose decision it was; null: Berth’s own.' })),
  },
  { $id: 'Block', description: 'Somebody who is kept out.', examples: [blockExample] },
);
export type BlockDocument = Static<typeof blockDocument>;

export const blockPage = Type.Object(
  {
    items: Type.Array(Type.Unsafe<BlockDocument>({ $ref: 'Block#' })),
    next_cursor: nullable(Type.String({ description: 'null on the last page.' })),
  },
  { $id: 'BlockPage', description: 'The newest first.', examples: [{ items: [blockExample], next_cursor: null }] },
);

export const blockParams = Type.Object({ subject: Type.String({ description: 'Who is kept out.' }) });
