import { randomUUID } from 'node:crypto';
import { AccountService, type CommandContextSchema } from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import { eventually, type TestScope } from '@berth/testing';
import { Vault } from '@berth/vault';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { testHasher } from './hasher.ts';
import { masterKey, newWorld, type World } from './world.ts';

const timeoutMs = 60_000; // hashes wait for their turn on a busy machine
const { method } = AccountService;

/** A password that the rules like, of users that `someone` makes. */
export const goodPassword = 'wet boots in the hallway';
const itsHash = testHasher().hash(goodPassword);

export interface SentMail {
  readonly template: string;
  readonly to: string;
  readonly values: Readonly<Record<string, string>>;
}

/** A world with replicas of auth, in which mails can be read and users are there at once. */
export interface AccountWorld extends World {
  readonly db: Awaited<ReturnType<World['database']>>;
  /** Everything that was ever mailed, in order. */
  mails(): Promise<readonly SentMail[]>;
  /** The newest mail of that template to that address, once there are `count` of them. */
  mail(template: string, to: string, count?: number): Promise<SentMail>;
  /** Until every mail that was asked for was answered. */
  allAnswered(): Promise<unknown>;
  /** Makes a user with `goodPassword`. Gives back the id. */
  someone(user: { name: string; email?: string | null; groups?: readonly string[] }): Promise<string>;
}

export async function accountWorld(
  t: TestScope,
  replicas: readonly Parameters<World['replica']>[0][] = [{}],
): Promise<AccountWorld> {
  const world = await newWorld(t);
  await Promise.all(replicas.map((settings) => world.replica(settings)));
  const db = await world.database();
  await keepMails(db);
  const vault = new Vault([masterKey]);
  const mails = async (): Promise<readonly SentMail[]> => {
    const rows = await db.query<{ id: string; template: string; to: string; bytes: Buffer }>(
      'SELECT id, template, recipient AS "to", sealed_values AS bytes FROM mails_of_test ORDER BY seq',
    );
    return rows.map(({ id, template, to, bytes }) => {
      const sealed = { bytes, masterKeyId: masterKey.id };
      return { template, to, values: JSON.parse(vault.open(sealed, ['mails', id])) };
    });
  };
  return {
    ...world,
    db,
    mails,
    mail: (template, to, count = 1) =>
      eventually(async () => {
        const found = (await mails()).filter((mail) => mail.template === template && mail.to === to);
        const newest = found.at(-1);
        if (newest === undefined || found.length < count) throw new Error(`${found.length} mails ${template} to ${to}`);
        return newest;
      }),
    allAnswered: () =>
      eventually(async () => {
        const [row] = await db.query<{ count: string }>('SELECT count(*) FROM mail_requests');
        return row?.count === '0';
      }),
    async someone({ name, email = `${name}@example.com`, groups = [] }) {
      const [row] = await db.query<{ id: string }>(
        `INSERT INTO users (name, email, email_verified_at, password_hash, home_group) VALUES ($1, $2, now(), $3, $4) RETURNING id`,
        [name, email, await itsHash, groups[0] ?? null],
      );
      const id = row?.id ?? '';
      await db.execute('INSERT INTO memberships (user_id, group_name) SELECT $1, unnest($2::text[])', [id, groups]);
      return id;
    },
  };
}

/** Mails are kept as they were written, whatever becomes of them when they are sent. */
async function keepMails(db: AccountWorld['db']): Promise<void> {
  await db.execute('CREATE TABLE mails_of_test AS SELECT id, seq, template, recipient, sealed_values FROM mails');
  await db.execute(`CREATE FUNCTION keep_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO auth.mails_of_test VALUES (NEW.id, NEW.seq, NEW.template, NEW.recipient, NEW.sealed_values);
      RETURN NEW;
    END $$`);
  await db.execute('CREATE TRIGGER keep_mail AFTER INSERT ON mails FOR EACH ROW EXECUTE FUNCTION keep_mail()');
}

type Context = Pick<
  Exclude<MessageInitShape<typeof CommandContextSchema>, { $typeName: string }>,
  'operationId' | 'clientAddress' | 'ifVersion'
>;

/** What strangers may send. */
export const stranger = (bus: Bus) => {
  const context = (): Context => ({ operationId: randomUUID(), clientAddress: '192.0.2.7' });
  return {
    register: (name: string, email: string, password = goodPassword) =>
      request(bus, method.registerAccount, { context: context(), name, email, password }, { timeoutMs }),
    verify: (token: string, name = '', with_ = context()) =>
      request(bus, method.verifyEmail, { context: with_, token, name }, { timeoutMs }),
    resend: (email: string) => request(bus, method.resendVerification, { context: context(), email }, { timeoutMs }),
    forgot: (email: string) => request(bus, method.forgotPassword, { context: context(), email }, { timeoutMs }),
    reset: (token: string, password: string) =>
      request(bus, method.resetPassword, { context: context(), token, password }, { timeoutMs }),
    confirm: (token: string) => request(bus, method.confirmEmail, { context: context(), token }, { timeoutMs }),
  };
};

const userPrincipal = (id: string) => ({
  id,
  kind: 'user',
  name: 'test',
  permissions: [],
  group: '',
  userId: id,
});

/** What a user who has signed in may send. */
export const signedIn = (bus: Bus, id: string) => {
  const principal = userPrincipal(id);
  const context = (more: Context = {}) => ({ principal, clientAddress: '192.0.2.8', ...more });
  return {
    account: async () => (await request(bus, method.getAccount, { principal }, { timeoutMs })).account,
    profileOf: (name: string) => request(bus, method.getPublicProfile, { principal, name }, { timeoutMs }),
    update: (
      changes: { name?: string; profile?: Record<string, string>; publicFields?: { names: string[] } },
      more?: Context,
    ) => request(bus, method.updateAccount, { context: context(more), ...changes }, { timeoutMs }),
    changePassword: (currentPassword: string, newPassword: string, more?: Context) =>
      request(bus, method.changePassword, { context: context(more), currentPassword, newPassword }, { timeoutMs }),
    changeEmail: (email: string, password = goodPassword) =>
      request(bus, method.changeEmail, { context: context(), email, password }, { timeoutMs }),
    remove: (password = goodPassword, more?: Context) =>
      request(bus, method.deleteAccount, { context: context(more), password }, { timeoutMs }),
  };
};

/** How many were kept, and the codes of the others' failures. */
export async function outcomes(attempts: readonly Promise<unknown>[]): Promise<{ kept: number; codes: string[] }> {
  const settled = await Promise.allSettled(attempts);
  const codes = settled.flatMap((one) => (one.status === 'rejected' ? [String(one.reason?.code ?? one.reason)] : []));
  return { kept: settled.length - codes.length, codes };
}
