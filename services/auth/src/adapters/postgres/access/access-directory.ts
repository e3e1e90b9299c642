import type { Database } from '@berth/database';
import { raw } from '@mikro-orm/core';
import { pageOf, readPageToken } from '../../../app/page-token.ts';
import { userNotFound } from '../../../domain/errors.ts';
import type { Ban } from '../../../domain/users/ban.ts';
import type { Group } from '../../../domain/users/group.ts';
import type { Invitation } from '../../../domain/users/invitation.ts';
import { BanEntity } from '../users/ban-entity.ts';
import { toBan } from '../users/ban-store.ts';
import { GroupEntity } from '../users/group-entity.ts';
import { toGroup } from '../users/group-store.ts';
import { InvitationEntity } from '../users/invitation-entity.ts';
import { toInvitation } from '../users/invitation-store.ts';

/** A page of a list: how many entries, and from where. */
export interface PageChoice {
  readonly size: number;
  readonly token: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Empty on the last page. */
  readonly nextToken: string;
}

const isNumber = (place: string[]): boolean => place.length === 1 && /^\d{1,18}$/.test(place[0] ?? '');

/** Groups in the order of their names, byte by byte. */
export async function groupPage(database: Database, { size, token }: PageChoice): Promise<Page<Group>> {
  const [after = ''] =
    readPageToken('groups', token, (place) => place.length === 1 && /^[a-z0-9-]+$/.test(place[0] ?? '')) ?? [];
  const name = raw('name COLLATE "C"');
  const found = await database.read((entities) =>
    entities.find(GroupEntity, { [name]: { $gt: after } }, { orderBy: { [name]: 'asc' }, limit: size + 1 }),
  );
  const { items, nextToken } = pageOf(found, size, 'groups', (stored) => [stored.name]);
  return { items: items.map(toGroup), nextToken };
}

/** One group. */
export async function groupNamed(database: Database, name: string): Promise<Group | undefined> {
  const stored = await database.read((entities) => entities.findOne(GroupEntity, { name }));
  return stored === null ? undefined : toGroup(stored);
}

/** All bans of a user, the newest first. Throws `not_found` USER_NOT_FOUND. */
export async function banPage(database: Database, userId: string, { size, token }: PageChoice): Promise<Page<Ban>> {
  const list = `bans ${userId}`;
  const [before] = readPageToken(list, token, isNumber) ?? [];
  const found = await database.read((entities) =>
    entities.find(
      BanEntity,
      { userId, ...(before !== undefined && { seq: { $lt: before } }) },
      { orderBy: { seq: 'desc' }, limit: size + 1 },
    ),
  );
  if (found.length === 0) {
    const known = await database.query('SELECT 1 FROM users WHERE id = $1', [userId]);
    if (known.length === 0) throw userNotFound();
  }
  const { items, nextToken } = pageOf(found, size, list, (stored) => [stored.seq]);
  return { items: items.map(toBan), nextToken };
}

/** Invitations, the newest first; `onlyOpen`: those that can be accepted now. */
export async function invitationPage(
  database: Database,
  { size, token, onlyOpen }: PageChoice & { readonly onlyOpen: boolean },
): Promise<Page<Invitation>> {
  const list = onlyOpen ? 'open invitations' : 'invitations';
  const [before] = readPageToken(list, token, isNumber) ?? [];
  const found = await database.read((entities) =>
    entities.find(
      InvitationEntity,
      {
        ...(before !== undefined && { seq: { $lt: before } }),
        ...(onlyOpen && { endedAt: null, expiresAt: { $gt: raw('clock_timestamp()') } }),
      },
      { orderBy: { seq: 'desc' }, limit: size + 1 },
    ),
  );
  const { items, nextToken } = pageOf(found, size, list, (stored) => [stored.seq]);
  return { items: items.map(toInvitation), nextToken };
}

/** The invitation that has this token, whatever has become of it. */
export async function invitationWithToken(database: Database, tokenHash: Buffer): Promise<Invitation | undefined> {
  const stored = await database.read((entities) => entities.findOne(InvitationEntity, { tokenHash }));
  return stored === null ? undefined : toInvitation(stored);
}
