import { type Static, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';

const refreshToken = Type.String({ minLength: 1, maxLength: 512, description: 'It can be used once.' });

/** Clients made for OAuth 2 send these with every request (RFC 6749), often empty. Berth has neither scopes nor clients. */
const ignored = Type.Optional(Type.String({ maxLength: 1_000, description: 'For OAuth 2 clients; means nothing.' }));
const sentByOAuthClients = { scope: ignored, client_id: ignored, client_secret: ignored };

export const tokenBody = Type.Object(
  {
    username: Type.Optional(
      Type.String({ minLength: 1, maxLength: 320, description: 'The user’s name or e-mail address.' }),
    ),
    password: Type.Optional(Type.String({ minLength: 1, maxLength: 1_000, description: 'Goes with `username`.' })),
    refresh_token: Type.Optional(refreshToken),
    grant_type: Type.Optional(
      Type.Enum(['password', 'refresh_token'], {
        description:
          'Default `password`, which takes `username` and `password`. `refresh_token` takes that alone, as `/v1/auth/refresh` does.',
      }),
    ),
    ...sentByOAuthClients,
  },
  {
    ...strict,
    examples: [
      { username: 'ada', password: 'correct horse battery staple' },
      { grant_type: 'refresh_token', refresh_token: 'brt_…' },
    ],
  },
);

export const refreshBody = Type.Object(
  {
    refresh_token: refreshToken,
    grant_type: Type.Optional(
      Type.Enum(['refresh_token'], { description: 'For OAuth 2 clients; means nothing more.' }),
    ),
    ...sentByOAuthClients,
  },
  { ...strict, examples: [{ refresh_token: 'brt_…' }] },
);

export const logoutBody = Type.Object(
  { refresh_token: Type.Optional(refreshToken) },
  { ...strict, description: 'Without it the session of the bearer ends.', examples: [{ refresh_token: 'brt_…' }] },
);

export const tokensDocument = Type.Object(
  {
    access_token: Type.String({ description: 'A JWT (EdDSA), to be sent as a bearer.' }),
    token_type: Type.Enum(['Bearer']),
    expires_in: Type.Optional(
      Type.Integer({ description: 'For how many seconds the access token works; left out: for ever.' }),
    ),
    refresh_token: Type.String({ description: 'Gives new tokens, once.' }),
    refresh_expires_in: nullable(
      Type.Integer({ description: 'For how many seconds the refresh token works; null: for ever.' }),
    ),
  },
  {
    $id: 'Tokens',
    description: 'What a session is used with. Secret.',
    examples: [
      {
        access_token: 'eyJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiIuLi4ifQ.c2ln',
        token_type: 'Bearer',
        expires_in: 900,
        refresh_token: 'brt_…',
        refresh_expires_in: 2_592_000,
      },
    ],
  },
);

export const sessionDocument = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    device: Type.String({ description: 'The User-Agent that it began with.' }),
    address: Type.String({ description: 'From where it was last refreshed.' }),
    created_at: Type.String({ format: 'date-time' }),
    last_seen_at: Type.String({ format: 'date-time', description: 'When it began or was last refreshed.' }),
    expires_at: nullable(
      Type.String({ format: 'date-time', description: 'Unless it is refreshed before; null: never.' }),
    ),
    current: Type.Boolean({ description: 'It is the one that asks.' }),
  },
  {
    $id: 'Session',
    description: 'What began with a sign-in and goes on with each refresh.',
    examples: [
      {
        id: '2f0c9a52-6d4e-4a0f-9a55-0f5f7f0d9f11',
        device: 'curl/8.5.0',
        address: '192.0.2.7',
        created_at: '2026-01-01T12:00:00.000Z',
        last_seen_at: '2026-01-01T12:45:00.000Z',
        expires_at: '2026-01-31T12:45:00.000Z',
        current: true,
      },
    ],
  },
);

export type SessionDocument = Static<typeof sessionDocument>;

export const sessionList = Type.Object(
  { items: Type.Array(Type.Unsafe<SessionDocument>({ $ref: 'Session#' })) },
  { $id: 'SessionList', description: 'The newest first; at most 500.', examples: [{ items: [] }] },
);

export const sessionParams = Type.Object({ id: Type.String({ description: 'The session’s id.' }) });

export const userIdParams = Type.Object({ id: Type.String({ description: 'The user’s id.' }) });
