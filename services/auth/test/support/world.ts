import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import {
  AuthService,
  type CommandContextSchema,
  type CreateApiKeyResponse,
  type Permission,
  permissionsOf,
} from '@berth/contracts';
import { type Bus, connectBus, request } from '@berth/messaging';
import { createLogger, type Logger } from '@berth/service-kit';
import { freshDatabase, freshPrefix, type TestScope, testNats } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Registry } from 'prom-client';
import type { UserIdKind } from '../../src/adapters/postgres/migrations/0002-access.ts';
import type { AccountPolicy } from '../../src/app/accounts/account-deps.ts';
import type { AuthConfig } from '../../src/config.ts';
import type { SessionSettings } from '../../src/config-sessions.ts';
import { openAuthDatabase, startAuth } from '../../src/start-auth.ts';
import { authSchema } from './auth-schema.ts';

/** What a test wants otherwise than usual. */
interface ReplicaSettings extends Partial<Omit<AuthConfig, 'sessions' | 'accounts'>> {
  readonly adminPasswordFile?: string;
  readonly sessions?: Partial<SessionSettings>;
  readonly accounts?: Partial<AccountPolicy>;
  readonly metrics?: Registry;
}

/** One database and one prefix, on which replicas of auth are started. */
export interface World {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly prefix: string;
  readonly bus: Bus;
  /** What all replicas have logged. */
  readonly logged: () => string;
  /** Starts a replica; gives back its stop, which may be called again. */
  replica(settings?: ReplicaSettings): Promise<() => Promise<void>>;
  /** Opens auth's database, for looking into it. */
  database(): ReturnType<typeof openAuthDatabase>;
}

/** Of all worlds: what one process sealed others can read. */
export const masterKey = { id: 'tests', bytes: createHash('sha256').update('tests').digest() };

/** Hashing that costs next to nothing, and bounds that tests do not meet by chance. */
export const testSessions: SessionSettings = {
  audience: 'berth',
  lifetimes: { accessSeconds: 900, refreshSeconds: 86_400 },
  keys: { everySeconds: 86_400, leadSeconds: 1 },
  hashing: { memoryKib: 64, passes: 1, lanes: 1, atOnce: 2, waiting: 100 },
  signIn: { failures: 1_000, failuresOfAddress: 1_000, windowSeconds: 900 },
};

export const usualAccounts: AccountPolicy = {
  registration: 'open',
  registrationGroups: [],
  passwords: { minLength: 10, maxLength: 200, characters: [], minScore: 3, history: 5 },
};

export const settingsKey = 'a-key-of-the-settings-1';

/** Collects what is logged. */
function recordingLogger(): { log: Logger; text: () => string } {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { log: createLogger('auth', 'trace', sink), text: () => lines.join('') };
}

/** `ownNatsUrl`: a server of this test alone. `userIds`: what the tables are made for; replicas have to agree. */
export async function newWorld(t: TestScope, ownNatsUrl?: string, userIds?: UserIdKind): Promise<World> {
  const prefix = freshPrefix(t);
  const { url: databaseUrl } = await freshDatabase(t, authSchema(userIds));
  const natsUrl = ownNatsUrl ?? (await testNats()).url;
  const { log, text } = recordingLogger();
  const bus = await connectBus({ url: natsUrl, prefix, name: 'test', log });
  t.after(() => bus.drain());
  return {
    databaseUrl,
    natsUrl,
    prefix,
    bus,
    logged: text,
    async replica({ adminPasswordFile, sessions, accounts, metrics = new Registry(), ...settings } = {}) {
      const stops: (() => Promise<unknown> | unknown)[] = [];
      const stop = async () => {
        for (const one of stops.splice(0).reverse()) await one();
      };
      t.after(stop);
      try {
        await startAuth(
          {
            ...{ databaseUrl, natsUrl, prefix, givenKeys: [settingsKey], adminKeyFile: undefined },
            ...{ encryptionKeys: [masterKey], userIds: undefined, publicUrl: 'http://berth.test' },
            ...{
              apiKeysPerUser: 3,
              providersOnPrivateNetworks: true,
              auditDays: 0,
              auditKeyDays: 30,
              mail: undefined,
              blocking: { afterRefusals: 0, firstSeconds: 60 },
            },
            firstAdmin:
              adminPasswordFile === undefined ? undefined : { name: 'admin', passwordFile: adminPasswordFile },
            ...settings,
            sessions: { ...testSessions, ...sessions },
            accounts: { ...usualAccounts, ...accounts },
          },
          { log, metrics, onStop: (one) => stops.push(one), readyWhen: () => {}, fail: () => {} },
        );
      } catch (error) {
        await stop();
        throw error;
      }
      return stop;
    },
    async database() {
      const database = await openAuthDatabase(databaseUrl);
      t.after(() => database.close());
      return database;
    },
  };
}

export const principal = (level: keyof typeof permissionsOf) => ({
  id: '00000000-0000-4000-8000-000000000000',
  kind: 'api_key',
  name: 'test',
  permissions: [...permissionsOf[level]],
  group: '',
  grants: [],
  userId: '',
});

export const admin = principal('admin');

type Context = MessageInitShape<typeof CommandContextSchema>;
const timeoutMs = 10_000;

/** The commands of AuthService as a gateway would send them. */
export const client = (bus: Bus, context: Context = { principal: admin }) => ({
  verify: (apiKey: string) => request(bus, AuthService.method.verifyApiKey, { apiKey }, { timeoutMs }),
  create: (
    terms: { name?: string; permission?: Permission; expiresAt?: { seconds: bigint }; group?: string } = {},
    with_: Context = context,
  ) => request(bus, AuthService.method.createApiKey, { context: with_, ...terms }, { timeoutMs }),
  list: (page: { pageSize?: number; pageToken?: string } = {}) =>
    request(bus, AuthService.method.listApiKeys, { principal: admin, ...page }, { timeoutMs }),
  get: (id: string) => request(bus, AuthService.method.getApiKey, { principal: admin, id }, { timeoutMs }),
  update: (
    apiKey: {
      id: string;
      name?: string;
      description?: string;
      permission?: Permission;
      expiresAt?: { seconds: bigint };
    },
    paths: string[],
    with_: Context = context,
  ) => request(bus, AuthService.method.updateApiKey, { context: with_, apiKey, updateMask: { paths } }, { timeoutMs }),
  remove: (id: string, with_: Context = context) =>
    request(bus, AuthService.method.deleteApiKey, { context: with_, id }, { timeoutMs }),
  rotate: (id: string, overlapSeconds: number, with_: Context = context) =>
    request(bus, AuthService.method.rotateApiKey, { context: with_, id, overlapSeconds }, { timeoutMs }),
});

export const idOf = ({ apiKey }: CreateApiKeyResponse): string => apiKey?.id ?? '';

/** For assert.rejects: the code of the failure that must come. */
export const withCode = (code: string) => (error: unknown) =>
  error instanceof Error && 'code' in error && error.code === code;

export const secondsFromNow = (seconds: number) => ({ seconds: BigInt(Math.floor(Date.now() / 1_000) + seconds) });
