import { randomUUID } from 'node:crypto';
import { type OpenAccess, openAccess } from '@berth/access';
import { type Principal, SessionService, type SessionTokens, SigningKeyService } from '@berth/contracts';
import { type Bus, connectBus, request } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually, type TestScope } from '@berth/testing';
import { Argon2Hasher } from '../../src/adapters/crypto/argon2-hasher.ts';
import { admin, testSessions, type World } from './world.ts';

const timeoutMs = 10_000;
export const password = 'correct horse battery staple';
const terms = { issuer: 'http://berth.test', audience: 'berth' };

/** A user in the database, as if somebody had registered. Gives its id. */
export async function addUser(
  world: World,
  { name = 'ada', groups = ['viewer'], hash }: { name?: string; groups?: string[]; hash?: string | null } = {},
): Promise<string> {
  const database = await world.database();
  const passwordHash = hash === undefined ? await new Argon2Hasher(testSessions.hashing).hash(password) : hash;
  const [row] = await database.query<{ id: string }>(
    'INSERT INTO users (name, email, password_hash, home_group) VALUES ($1, $2, $3, $4) RETURNING id',
    [name, `${name}@example.test`, passwordHash, groups[0]],
  );
  const id = row?.id ?? '';
  await database.execute('INSERT INTO memberships (user_id, group_name) SELECT $1, unnest($2::text[])', [id, groups]);
  return id;
}

/** What a way in knows of who calls, on a connection of its own. */
export async function aWayIn(
  t: TestScope,
  world: World,
  { natsUrl = world.natsUrl, isCurrent = true }: { natsUrl?: string; isCurrent?: boolean } = {},
): Promise<OpenAccess> {
  const log = createLogger('way-in', 'fatal');
  const bus = await connectBus({ url: natsUrl, prefix: world.prefix, name: 'way-in', log });
  const access = openAccess(bus, {
    wait: { answerTimeoutMs: 1_000, nobodyThereMs: 100 },
    ttlMs: 30_000,
    tokens: terms,
  });
  t.after(async () => {
    access.stop();
    await bus.drain();
  });
  await eventually(() => access.isCurrent() === isCurrent);
  return access;
}

const from = (operationId: string = randomUUID(), principal?: Principal) => ({
  ...{ operationId, clientAddress: '192.0.2.7', userAgent: 'tests' },
  ...(principal && { principal }),
});

/** The commands about sessions, as a gateway would send them. */
export const sessionClient = (bus: Bus) => {
  const { method } = SessionService;
  const ask = { timeoutMs };
  return {
    async signIn(login = 'ada', secret = password, place: { clientAddress?: string; userAgent?: string } = {}) {
      const context = { ...from(), ...place };
      return tokensOf(await request(bus, method.signIn, { login, password: secret, context }, ask));
    },
    async refresh({ refreshToken }: Pick<SessionTokens, 'refreshToken'>, operationId?: string) {
      return tokensOf(await request(bus, method.refreshTokens, { refreshToken, context: from(operationId) }, ask));
    },
    signOut: ({ refreshToken }: SessionTokens) => request(bus, method.signOut, { refreshToken, context: from() }, ask),
    signOutEverywhere: (principal: Principal | typeof admin, userId = '') =>
      request(bus, method.signOutEverywhere, { userId, context: { ...from(), principal } }, ask),
    list: async (principal: Principal | typeof admin, userId = '') =>
      (await request(bus, method.listSessions, { principal, userId }, ask)).sessions,
    end: (principal: Principal, id: string) =>
      request(bus, method.endSessions, { id, context: from(undefined, principal) }, ask),
    rotateKeys: () => request(bus, SigningKeyService.method.rotateSigningKeys, { context: { principal: admin } }, ask),
    removeKey: (id: string) =>
      request(bus, SigningKeyService.method.removeSigningKey, { id, context: { principal: admin } }, ask),
    keys: async () =>
      (await request(bus, SigningKeyService.method.listSigningKeys, { principal: admin }, ask)).signingKeys,
  };
};

function tokensOf({ tokens }: { readonly tokens?: SessionTokens | undefined }): SessionTokens {
  if (tokens === undefined) throw new Error('an answer came without tokens');
  return tokens;
}

/** Which code `access` refuses the token with; undefined: it lets it in. */
export const refusalOf = ({ authenticator }: OpenAccess, { accessToken }: SessionTokens): Promise<string | undefined> =>
  authenticator.principalOf(accessToken, '127.0.0.1').then(
    () => undefined,
    (error) => error.code,
  );

/** What the payload of a token says. */
export const payloadOf = ({ accessToken }: SessionTokens): Record<string, unknown> =>
  JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());

export const headerOf = ({ accessToken }: SessionTokens): Record<string, unknown> =>
  JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString());
