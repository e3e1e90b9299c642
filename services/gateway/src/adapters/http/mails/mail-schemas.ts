import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { nullable, strict } from '../json-types.ts';

const state = Type.Enum(['waiting', 'sent', 'failed'], {
  type: 'string',
  description:
    '`waiting`: it is sent as soon as the server takes it. `failed`: refused for good, or given up after three days.',
});
const time = (description: string) => Type.String({ format: 'date-time', description });

export const mailDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Also in the mail’s Message-ID.' }),
    template: Type.String({ description: 'Which mail it is.' }),
    recipient: Type.String(),
    user_id: nullable(Type.String()),
    state,
    attempts: Type.Integer(),
    last_error: nullable(Type.String({ description: 'What came of the last try that failed.' })),
    created_at: time('When it was written.'),
    next_attempt_at: nullable(time('When it is tried next; null: it is not.')),
    ended_at: nullable(time('When it was sent or given up.')),
  },
  {
    $id: 'Mail',
    description: 'A mail without what it says, which may be secret.',
    examples: [
      {
        id: '8f14e45f-ceea-4e7a-9c3f-0a9c1d2b3e4f',
        template: 'verify-email',
        recipient: 'anna@example.org',
        user_id: null,
        state: 'waiting',
        attempts: 1,
        last_error: '451 greylisted, come back',
        created_at: '2026-01-01T12:00:00.000Z',
        next_attempt_at: '2026-01-01T12:00:30.000Z',
        ended_at: null,
      },
    ],
  },
);
export type MailDocument = Static<typeof mailDocument>;

export const mailPage = Type.Object(
  {
    items: Type.Array(Type.Unsafe<MailDocument>({ $ref: 'Mail#' })),
    next_cursor: nullable(Type.String({ description: 'null on the last page.' })),
  },
  { $id: 'MailPage', description: 'Mails, the newest first.', examples: [{ items: [], next_cursor: null }] },
);

export const mailsQuery = Type.Object({ ...pageQuery(500).properties, state: Type.Optional(state) }, strict);

export const mailParams = Type.Object({ id: Type.String({ description: 'The mail’s id.' }) });

export const testMailBody = Type.Object(
  { to: Type.String({ minLength: 3, maxLength: 254, description: 'The address that it goes to.' }) },
  { ...strict, examples: [{ to: 'me@example.org' }] },
);

const topic = Type.String({ minLength: 1, maxLength: 50 });

export const subscriptionsBody = Type.Object(
  { topics: Type.Array(topic, { maxItems: 50, uniqueItems: true, description: 'All that shall hold; others end.' }) },
  { ...strict, examples: [{ topics: ['user-banned', 'router-drift'] }] },
);

export const subscriptionsDocument = Type.Object(
  {
    topics: Type.Array(topic, { description: 'What mails are sent about.' }),
    available: Type.Array(
      Type.Object({
        name: topic,
        description: Type.String(),
        permission: Type.String({ description: 'What it takes, for all groups. Who loses it hears no more.' }),
      }),
      { description: 'All that you may hear of.' },
    ),
  },
  {
    $id: 'Subscriptions',
    description: 'What a user wants to hear of by mail.',
    examples: [
      {
        topics: ['router-drift'],
        available: [
          { name: 'router-drift', description: 'Somebody changed something on a router.', permission: 'routers:read' },
        ],
      },
    ],
  },
);
export type SubscriptionsDocument = Static<typeof subscriptionsDocument>;
