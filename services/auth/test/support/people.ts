import {
  type AccessFact,
  AccessService,
  type CommandContextSchema,
  GroupService,
  UserAdminService,
  type UserRecord,
} from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import { Vault } from '@berth/vault';
import type { DescMessage, DescMethodUnary, MessageInitShape } from '@bufbuild/protobuf';
import { admin, masterKey, type World } from './world.ts';

type Context = MessageInitShape<typeof CommandContextSchema>;
type Users = typeof UserAdminService.method;
type Groups = typeof GroupService.method;
type Asked<M extends DescMethodUnary> = Omit<MessageInitShape<M['input']>, 'context' | '$typeName' | '$unknown'>;

const timeoutMs = 10_000;
const { method: users } = UserAdminService;
const { method: groups } = GroupService;

/** What administrators ask, as a gateway would send it, by default for somebody who may do everything. */
export const peopleClient = (bus: Bus, context: Context = { principal: admin }) => {
  const { principal } = context;
  const ask = <I extends DescMessage, O extends DescMessage>(asked: DescMethodUnary<I, O>, message: object) =>
    request(bus, asked, message as MessageInitShape<I>, { timeoutMs }); // put together here from its own parts
  return {
    createUser: (message: Asked<Users['createUser']>, as = context) =>
      ask(users.createUser, { ...message, context: as }),
    updateUser: (user: Partial<UserRecord>, paths: string[], as = context) =>
      ask(users.updateUser, { context: as, user, updateMask: { paths } }),
    removeUser: (id: string, as = context) => ask(users.removeUser, { context: as, id }),
    getUser: (id: string) => ask(users.getUserRecord, { principal, id }),
    listUsers: (message: Asked<Users['listUsers']> = {}) => ask(users.listUsers, { principal, ...message }),
    ban: (message: Asked<Users['banUser']>, as = context) =>
      ask(users.banUser, { reason: 'spam', ...message, context: as }),
    unban: (id: string, as = context) => ask(users.unbanUser, { context: as, id, reason: 'a mistake' }),
    bans: (userId: string, more: Asked<Users['listBans']> = {}) => ask(users.listBans, { principal, userId, ...more }),
    invite: (message: Asked<Users['createInvitation']>, as = context) =>
      ask(users.createInvitation, { ...message, context: as }),
    invitations: (message: Asked<Users['listInvitations']> = {}) =>
      ask(users.listInvitations, { principal, ...message }),
    revokeInvitation: (id: string) => ask(users.revokeInvitation, { context, id }),
    accept: (message: Asked<Users['acceptInvitation']>, as: Context = {}) =>
      ask(users.acceptInvitation, { ...message, context: as }),
    createGroup: (group: object, more: { takeOver?: boolean } = {}, as = context) =>
      ask(groups.createGroup, { context: as, group, ...more }),
    updateGroup: (group: object, paths: string[], as = context) =>
      ask(groups.updateGroup, { context: as, group, updateMask: { paths } }),
    deleteGroup: (message: Asked<Groups['deleteGroup']>, as = context) =>
      ask(groups.deleteGroup, { ...message, context: as }),
    getGroup: (name: string) => ask(groups.getGroup, { principal, name }),
    listGroups: (message: Asked<Groups['listGroups']> = {}) => ask(groups.listGroups, { principal, ...message }),
    members: (message: Asked<Groups['listGroupMembers']>) => ask(groups.listGroupMembers, { principal, ...message }),
    addMember: (message: Asked<Groups['addGroupMember']>, as = context) =>
      ask(groups.addGroupMember, { ...message, context: as }),
    removeMember: (message: Asked<Groups['removeGroupMember']>, as = context) =>
      ask(groups.removeGroupMember, { ...message, context: as }),
  };
};
export type PeopleClient = ReturnType<typeof peopleClient>;

/** Somebody who holds these permissions for all groups. */
export const holderOf = (...permissions: string[]) => ({ ...admin, permissions });

/** A user as who asks. */
export const asUser = (user: UserRecord) => ({
  principal: { ...admin, kind: 'user', id: user.id, userId: user.id, name: user.name },
});

/** A user with a password, in these groups. */
export async function newUser(people: PeopleClient, name: string, ...inGroups: string[]): Promise<UserRecord> {
  const user = { name, email: `${name}@example.com`, groups: inGroups };
  const made = await people.createUser({ user, password: 'correct horse 7 battery', emailVerified: true });
  if (made.user === undefined) throw new Error('no user was made');
  return made.user;
}

/** All facts that auth tells, by what they are about. */
export async function factsOf(bus: Bus): Promise<AccessFact['fact'][]> {
  const { facts } = await request(bus, AccessService.method.getAccessFacts, { after: 0n }, { timeoutMs });
  return facts.map(({ fact }) => fact);
}

/** What auth says of this user to those who let callers in. */
export async function userFactOf(bus: Bus, id: string) {
  const facts = await factsOf(bus);
  return facts.map((fact) => (fact.case === 'user' && fact.value.id === id ? fact.value : undefined)).find(Boolean);
}

/**
 * Keeps a copy of each mail that is written from now on, whatever becomes of the mail itself; gives back what reads them, oldest first. The
 * replicas must have made the tables.
 */
export async function keepMails(world: World) {
  const database = await world.database();
  for (const statement of [
    'CREATE TABLE kept_mails AS SELECT id, seq, template, recipient, sealed_values FROM mails',
    `CREATE FUNCTION keep_mail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       INSERT INTO kept_mails VALUES (NEW.id, NEW.seq, NEW.template, NEW.recipient, NEW.sealed_values); RETURN NEW; END $$`,
    'CREATE TRIGGER keep_mail AFTER INSERT ON mails FOR EACH ROW EXECUTE FUNCTION keep_mail()',
  ]) {
    await database.execute(statement);
  }
  const vault = new Vault([masterKey]);
  return async (template: string) => {
    const rows = await database.query<{ id: string; recipient: string; sealed_values: Buffer }>(
      'SELECT id, recipient, sealed_values FROM kept_mails WHERE template = $1 ORDER BY seq',
      [template],
    );
    return rows.map(({ id, recipient, sealed_values: bytes }) => ({
      to: recipient,
      values: JSON.parse(vault.open({ bytes, masterKeyId: masterKey.id }, ['mails', id])) as Record<string, string>,
    }));
  };
}
