import type { Sql } from '@berth/database';
import { pageOf, readPageToken } from '../../../app/page-token.ts';
import { userNotFound } from '../../../domain/errors.ts';
import type { Ban, BanEnding } from '../../../domain/users/ban.ts';
import type { Group } from '../../../domain/users/group.ts';
import type { Invitation } from '../../../domain/users/invitation.ts';
import { dateOf } from '../columns.ts';
import { type GroupRow, toGroup } from '../users/group-rows.ts';
import { type InvitationRow, invitationColumns, toInvitation } from '../users/invitation-rows.ts';

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

/** Groups in the order of their names. */
export async function groupPage(sql: Sql, { size, token }: PageChoice): Promise<Page<Group>> {
  const [after = ''] =
    readPageToken('groups', token, (place) => place.length === 1 && /^[a-z0-9-]+$/.test(place[0] ?? '')) ?? [];
  const rows = await sql.query<GroupRow>(
    'SELECT * FROM groups WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C" LIMIT $2',
    [after, size + 1],
  );
  const { items, nextToken } = pageOf(rows, size, 'groups', (row) => [row.name]);
  return { items: items.map(toGroup), nextToken };
}

/** One group. */
export async function groupNamed(sql: Sql, name: string): Promise<Group | undefined> {
  const [row] = await sql.query<GroupRow>('SELECT * FROM groups WHERE name = $1', [name]);
  return row && toGroup(row);
}

interface BanRow {
  readonly id: string;
  readonly seq: string;
  readonly banned_at: string;
  readonly banned_by: string;
  readonly until: string | null;
  readonly reason: string;
  readonly ended_at: string | null;
  readonly ended_by: string;
  readonly ending: BanEnding | null;
  readonly lift_reason: string;
}

const toBan = (row: BanRow): Ban => ({
  id: row.id,
  bannedAt: new Date(row.banned_at),
  bannedBy: row.banned_by,
  until: dateOf(row.until),
  reason: row.reason,
  endedAt: dateOf(row.ended_at),
  endedBy: row.ended_by,
  ending: row.ending,
  liftReason: row.lift_reason,
});

/** All bans of a user, the newest first. Throws `not_found` USER_NOT_FOUND. */
export async function banPage(sql: Sql, userId: string, { size, token }: PageChoice): Promise<Page<Ban>> {
  const list = `bans ${userId}`;
  const [before = null] = readPageToken(list, token, isNumber) ?? [];
  const rows = await sql.query<BanRow>(
    'SELECT * FROM bans WHERE user_id = $1 AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3',
    [userId, before, size + 1],
  );
  if (rows.length === 0) {
    const known = await sql.query('SELECT 1 FROM users WHERE id = $1', [userId]);
    if (known.length === 0) throw userNotFound();
  }
  const { items, nextToken } = pageOf(rows, size, list, (row) => [row.seq]);
  return { items: items.map(toBan), nextToken };
}

/** Invitations, the newest first; `onlyOpen`: those that can be accepted now. */
export async function invitationPage(
  sql: Sql,
  { size, token, onlyOpen }: PageChoice & { readonly onlyOpen: boolean },
): Promise<Page<Invitation>> {
  const list = onlyOpen ? 'open invitations' : 'invitations';
  const [before = null] = readPageToken(list, token, isNumber) ?? [];
  const open = onlyOpen ? 'AND ended_at IS NULL AND expires_at > clock_timestamp()' : '';
  const rows = await sql.query<InvitationRow>(
    `SELECT ${invitationColumns} FROM invitations WHERE ($1::bigint IS NULL OR seq < $1) ${open} ORDER BY seq DESC LIMIT $2`,
    [before, size + 1],
  );
  const { items, nextToken } = pageOf(rows, size, list, (row) => [row.seq]);
  return { items: items.map(toInvitation), nextToken };
}

/** The invitation that has this token, whatever has become of it. */
export async function invitationWithToken(sql: Sql, tokenHash: Buffer): Promise<Invitation | undefined> {
  const [row] = await sql.query<InvitationRow>(`SELECT ${invitationColumns} FROM invitations WHERE token_hash = $1`, [
    tokenHash,
  ]);
  return row && toInvitation(row);
}
