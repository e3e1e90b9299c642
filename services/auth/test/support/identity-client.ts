import { randomUUID } from 'node:crypto';
import { type IdentityProviderTermsSchema, IdentityService, type ProviderAnswerSchema } from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { openAuthDatabase } from '../../src/start-auth.ts';
import { clientSecret, redirectUri } from './openid-provider.ts';
import { admin } from './world.ts';

const { method } = IdentityService;
const timeout = { timeoutMs: 15_000 };
type Terms = MessageInitShape<typeof IdentityProviderTermsSchema>;
type Answer = MessageInitShape<typeof ProviderAnswerSchema>;

/** A user who is signed in. */
const userPrincipal = (id: string) => ({ id, kind: 'user', name: 'someone', permissions: [], userId: id });

const stranger = { clientAddress: '198.51.100.7', userAgent: 'test' };

/** What a gateway asks about identities. */
export const identityClient = (bus: Bus) => ({
  createProvider: (name: string, terms: Terms, context: object = { principal: admin }) =>
    request(
      bus,
      method.createIdentityProvider,
      {
        context,
        name,
        terms: { clientId: 'berth', clientSecret, redirectUris: [redirectUri], enabled: true, ...terms },
      },
      timeout,
    ),
  changeProvider: (name: string, terms: Terms, paths: string[], context: object = {}) =>
    request(
      bus,
      method.updateIdentityProvider,
      { context: { principal: admin, ...context }, name, terms, updateMask: { paths } },
      timeout,
    ),
  removeProvider: (name: string) =>
    request(bus, method.deleteIdentityProvider, { context: { principal: admin }, name }, timeout),
  listProviders: () => request(bus, method.listIdentityProviders, { principal: admin }, timeout),
  offered: () => request(bus, method.listSignInProviders, {}, timeout),
  start: (provider: string, redirect = redirectUri) =>
    request(bus, method.startSignIn, { context: stranger, provider, redirectUri: redirect }, timeout),
  finish: (provider: string, answer: Answer) =>
    request(bus, method.finishSignIn, { context: stranger, provider, answer }, timeout),
  startLink: (provider: string, userId: string) =>
    request(bus, method.startLink, { context: { principal: userPrincipal(userId) }, provider, redirectUri }, timeout),
  finishLink: (provider: string, userId: string, answer: Answer, operationId: string = randomUUID()) =>
    request(
      bus,
      method.finishLink,
      { context: { principal: userPrincipal(userId), operationId }, provider, answer },
      timeout,
    ),
  identities: (userId: string) => request(bus, method.listIdentities, { principal: userPrincipal(userId) }, timeout),
  unlink: (userId: string, id: string) =>
    request(bus, method.unlinkIdentity, { context: { principal: userPrincipal(userId) }, id }, timeout),
});

type Database = Awaited<ReturnType<typeof openAuthDatabase>>;

/** A user as somebody else made one. */
export async function aUser(
  database: Database,
  {
    name,
    email = null,
    password = null,
    groups = [],
  }: { name: string; email?: string | null; password?: string | null; groups?: readonly string[] },
): Promise<string> {
  const [row] = await database.query<{ id: string }>(
    'INSERT INTO users (name, email, email_verified_at, password_hash) VALUES ($1, $2, now(), $3) RETURNING id',
    [name, email, password],
  );
  const id = row?.id ?? '';
  await database.execute('INSERT INTO memberships (user_id, group_name) SELECT $1, unnest($2::text[])', [id, groups]);
  return id;
}

/** Users' names with their groups. */
export async function groupsOf(database: Database, name: string): Promise<string[]> {
  const rows = await database.query<{ group_name: string }>(
    'SELECT m.group_name FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.name = $1 ORDER BY 1',
    [name],
  );
  return rows.map((row) => row.group_name);
}
