import { type Static, Type } from 'typebox';
import { pageQuery } from '../common-schemas.ts';
import { nullable, strict } from '../json-types.ts';
import { lifetimes, limits, pageDocument, time } from './access-values.ts';

const name = Type.String({
  minLength: 1,
  maxLength: 64,
  description: 'Letters, digits, `.`, `_` and `-`, with a letter or digit at both ends. Unique, whatever the case.',
});
const email = Type.String({ minLength: 3, maxLength: 254, description: 'Where mails go. Unique, whatever the case.' });
const emailVerified = Type.Boolean({ description: 'It is known that they read what is sent there.' });
const groups = Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
  maxItems: 50,
  description: 'The home group first: it owns what they make.',
});
const reason = Type.String({ minLength: 1, maxLength: 500, description: 'Why, for people.' });
const until = nullable(time('Until when; null: until somebody lifts it.'));
const ownLifetimes = lifetimes('their groups say');

const optional = {
  email: Type.Optional(nullable(email)),
  email_verified: Type.Optional(emailVerified),
  groups: Type.Optional(groups),
  access_token_seconds: Type.Optional(ownLifetimes.access_token_seconds),
  refresh_token_seconds: Type.Optional(ownLifetimes.refresh_token_seconds),
  limits: Type.Optional(limits),
};

export const createUserBody = Type.Object(
  {
    name,
    ...optional,
    password: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        description: 'Absent: they are asked by mail to choose one.',
      }),
    ),
  },
  { ...strict, examples: [{ name: 'anna', email: 'anna@example.com', groups: ['operator'] }] },
);

export const updateUserBody = Type.Object(
  { name: Type.Optional(name), ...optional },
  {
    ...strict,
    minProperties: 1,
    description: 'What is not given stays. A new address is not verified, unless `email_verified` is given too.',
    examples: [{ groups: ['operator', 'viewer'] }],
  },
);

export const banBody = Type.Object(
  {
    reason,
    until: Type.Optional(until),
    notify: Type.Optional(Type.Boolean({ description: 'The user is told by mail. Default true.' })),
  },
  { ...strict, examples: [{ reason: 'sent spam', until: '2030-01-01T00:00:00Z' }] },
);

export const unbanBody = Type.Object({ reason }, { ...strict, examples: [{ reason: 'it was somebody else' }] });

const example = {
  id: '5d1f4f0e-9d0b-4b53-8b0e-3d4f1c2b7a90',
  ...{ name: 'anna', email: 'anna@example.com', email_verified_at: '2026-01-01T12:00:00.000Z', has_password: true },
  ...{
    groups: ['operator'],
    access_token_seconds: null,
    refresh_token_seconds: null,
    limits: [],
    ban: null,
    version: 1,
  },
  ...{ created_at: '2026-01-01T12:00:00.000Z', updated_at: '2026-01-01T12:00:00.000Z', last_sign_in_at: null },
};

export const userDocument = Type.Object(
  {
    id: Type.String({ description: 'A UUID, or a whole number where the installation numbers its users.' }),
    name,
    email: nullable(email),
    email_verified_at: nullable(time('null: it is not known that they read what is sent there.')),
    has_password: Type.Boolean({ description: 'They can sign in with a password.' }),
    groups,
    ...ownLifetimes,
    limits,
    ban: nullable(Type.Object({ until, reason: Type.String() }, { description: 'null: not banned.' })),
    version: Type.Integer({ description: 'Grows with every change.' }),
    created_at: time(),
    updated_at: time(),
    last_sign_in_at: nullable(time()),
  },
  { $id: 'User', description: 'A user, as administrators see one.', examples: [example] },
);
export type UserDocument = Static<typeof userDocument>;

export const userPage = pageDocument('UserPage', { of: userDocument, description: 'Users.', example });

const banExample = {
  id: '8f14e45f-ceea-4e7a-9c3f-0a9c1d2b3e4f',
  ...{ banned_at: '2026-01-01T12:00:00.000Z', banned_by: 'chief', until: null, reason: 'sent spam' },
  ...{ ended_at: '2026-01-02T12:00:00.000Z', ended_by: 'chief', ending: 'lifted', lift_reason: 'it was somebody else' },
};

export const banDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    banned_at: time(),
    banned_by: Type.String({ description: 'Whose decision it was.' }),
    until,
    reason: Type.String(),
    ended_at: nullable(time('null: it stands.')),
    ended_by: nullable(Type.String({ description: 'null: it stands, or ran out.' })),
    ending: nullable(Type.Enum(['lifted', 'replaced', 'ran_out'])),
    lift_reason: nullable(Type.String()),
  },
  { $id: 'Ban', description: 'A ban, past or standing.', examples: [banExample] },
);
export type BanDocument = Static<typeof banDocument>;

export const banPage = pageDocument('BanPage', {
  ...{ of: banDocument, description: 'Bans of a user, the newest first.', example: banExample },
});

export const userParams = Type.Object({ id: Type.String({ description: 'The user’s id.' }) });

export const listUsersQuery = Type.Object(
  {
    ...pageQuery(500).properties,
    name: Type.Optional(Type.String({ maxLength: 64, description: 'Whose name begins so.' })),
    email: Type.Optional(Type.String({ maxLength: 254, description: 'Whose e-mail address begins so.' })),
    group: Type.Optional(Type.String({ maxLength: 40, description: 'Members of this group.' })),
    banned: Type.Optional(Type.Boolean({ description: 'Banned now, or not.' })),
    verified: Type.Optional(Type.Boolean({ description: 'With a verified e-mail address, or without.' })),
    sort: Type.Optional(
      Type.Enum(['name', '-name', 'created_at', '-created_at'], {
        type: 'string',
        description: 'Default name; with - backwards.',
      }),
    ),
  },
  strict,
);
