import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { nullable, strict } from '../json-types.ts';
import { pageDocument, time } from './access-values.ts';

const name = Type.String({ minLength: 1, maxLength: 64, description: 'The name of the user to be.' });
const email = Type.String({ minLength: 3, maxLength: 254, description: 'Where the mail goes.' });
const groups = Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
  maxItems: 50,
  description: 'The groups of the user to be, the home group first.',
});

export const createInvitationBody = Type.Object(
  {
    email,
    groups: Type.Optional(groups),
    expires_in_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 90, description: 'Default 7.' })),
    name: Type.Optional(name),
  },
  { ...strict, examples: [{ email: 'ben@example.com', groups: ['viewer'], expires_in_days: 3 }] },
);

export const acceptInvitationBody = Type.Object(
  {
    token: Type.String({ minLength: 1, maxLength: 100, description: 'From the mail.' }),
    name: Type.Optional(name),
    password: Type.String({ minLength: 1, maxLength: 1_000 }),
  },
  {
    ...strict,
    description: 'Without `name` it is the one that was proposed.',
    examples: [{ token: 'the-token-of-the-mail', name: 'ben', password: 'the password that ben chose' }],
  },
);

const example = {
  id: '8f14e45f-ceea-4e7a-9c3f-0a9c1d2b3e4f',
  ...{ email: 'ben@example.com', name: null, groups: ['viewer'], invited_by: 'chief', state: 'open', user_id: null },
  ...{ created_at: '2026-01-01T12:00:00.000Z', expires_at: '2026-01-04T12:00:00.000Z', ended_at: null },
};

export const invitationDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    email,
    name: nullable(Type.String({ description: 'A name that is proposed.' })),
    groups,
    invited_by: Type.String({ description: 'Who invited.' }),
    state: Type.Enum(['open', 'accepted', 'revoked', 'replaced', 'expired']),
    user_id: nullable(
      Type.String({ description: 'Who accepted it, or was made already and shall choose a password.' }),
    ),
    created_at: time(),
    expires_at: time('Until when it can be accepted.'),
    ended_at: nullable(time()),
  },
  { $id: 'Invitation', description: 'An invitation. Its token is in the mail alone.', examples: [example] },
);
export type InvitationDocument = Static<typeof invitationDocument>;

export const invitationPage = pageDocument('InvitationPage', {
  ...{ of: invitationDocument, description: 'Invitations, the newest first.', example },
});

export const invitationParams = Type.Object({ id: Type.String({ description: 'The invitation’s id.' }) });

export const listInvitationsQuery = Type.Object(
  {
    ...pageQuery(500).properties,
    open: Type.Optional(Type.Boolean({ description: 'true: only those that can be accepted now.' })),
  },
  strict,
);
