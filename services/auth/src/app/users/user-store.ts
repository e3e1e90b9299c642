import type { User } from '../../domain/users/user.ts';

/** What a new user is made of; the database gives the id. */
export type NewUser = Pick<User, 'name' | 'email' | 'emailVerifiedAt' | 'passwordHash' | 'groups'> &
  Partial<Pick<User, 'profile' | 'publicFields'>>;

/**
 * Users, within a transaction. Names and e-mail addresses are found whatever their case. Before a user is locked: whoever may change a name or
 * an address is `alone('names')`, whoever may change groups is `alongside('groups')`.
 */
export interface UserStore {
  /** Locked against other changes until the transaction ends. */
  byId(id: string): Promise<User | undefined>;
  byName(name: string): Promise<User | undefined>;
  byEmail(email: string): Promise<User | undefined>;
  /** Whose address it is; not locked. */
  holderOf(email: string): Promise<Pick<User, 'id' | 'name'> | undefined>;
  /** Is `alone('names')`, and `alongside('groups')`, by itself. Throws `conflict` USER_NAME_TAKEN or USER_EMAIL_TAKEN. */
  add(user: NewUser): Promise<User>;
  /** Writes all of it, groups too, and counts its version. Throws as `add` does. */
  save(user: User): Promise<User>;
  remove(id: string): Promise<void>;
  /** How many users, other than this one, are admins that are not banned: one must remain. Call `alone('users')` before. */
  otherAdmins(id: string): Promise<number>;
}
