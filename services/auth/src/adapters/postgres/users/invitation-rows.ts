import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { InvitationStore } from '../../../app/users/invitation-store.ts';
import type { Invitation, InvitationEnding } from '../../../domain/users/invitation.ts';
import { isUuid } from '../../../domain/uuid.ts';

/** A row of `invitations`. */
export interface InvitationRow {
  readonly id: string;
  readonly seq: string;
  readonly email: string;
  readonly name: string;
  readonly groups: string[];
  readonly user_id: string | null;
  readonly invited_by: string;
  readonly created_at: string;
  readonly expires_at: string;
  readonly ended_at: string | null;
  readonly ending: InvitationEnding | null;
}

/** What of a row is read: not the token's hash. */
export const invitationColumns =
  'id, seq, email, name, groups, user_id, invited_by, created_at, expires_at, ended_at, ending';

export const toInvitation = (row: InvitationRow): Invitation => ({
  id: row.id,
  email: row.email,
  name: row.name,
  groups: row.groups,
  userId: row.user_id,
  invitedBy: row.invited_by,
  createdAt: new Date(row.created_at),
  expiresAt: new Date(row.expires_at),
  endedAt: row.ended_at === null ? null : new Date(row.ended_at),
  ending: row.ending,
});

/** Invitations in auth's schema. */
export const invitationRows = (sql: Sql): InvitationStore => ({
  async byId(id) {
    if (!isUuid(id)) return undefined;
    const [row] = await sql.query<InvitationRow>(
      `SELECT ${invitationColumns} FROM invitations WHERE id = $1 FOR UPDATE`,
      [id],
    );
    return row && toInvitation(row);
  },

  async byToken(tokenHash) {
    const [row] = await sql.query<InvitationRow>(
      `SELECT ${invitationColumns} FROM invitations WHERE token_hash = $1 FOR UPDATE`,
      [tokenHash],
    );
    return row && toInvitation(row);
  },

  async add({ tokenHash, email, name, groups, userId, by, at, expiresAt }) {
    const [row] = await sql.query<InvitationRow>(
      `INSERT INTO invitations (id, token_hash, email, name, groups, user_id, invited_by_id, invited_by, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${invitationColumns}`,
      [randomUUID(), tokenHash, email, name, groups, userId, by.id, by.name, at, expiresAt],
    );
    if (row === undefined) throw new Error('an invitation was not written');
    return toInvitation(row);
  },

  async end(id, { ending, at, userId }) {
    await sql.execute('UPDATE invitations SET ended_at = $2, ending = $3, user_id = $4 WHERE id = $1', [
      id,
      at,
      ending,
      userId,
    ]);
  },

  async endOpen(of, { ending, at }) {
    const [condition, value] = 'email' in of ? ['lower(email) = lower($1)', of.email] : ['user_id = $1', of.userId];
    await sql.execute(`UPDATE invitations SET ended_at = $2, ending = $3 WHERE ${condition} AND ended_at IS NULL`, [
      ...[value, at, ending],
    ]);
  },
});
