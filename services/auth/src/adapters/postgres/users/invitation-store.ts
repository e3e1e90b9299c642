import { randomUUID } from 'node:crypto';
import type { EntityManager, Sql } from '@berth/database';
import { type FilterQuery, LockMode } from '@mikro-orm/core';
import type { InvitationStore } from '../../../app/users/invitation-store.ts';
import type { Invitation } from '../../../domain/users/invitation.ts';
import { isUuid } from '../../../domain/uuid.ts';
import { InvitationEntity, type StoredInvitation } from './invitation-entity.ts';

export const toInvitation = (stored: StoredInvitation): Invitation => ({
  id: stored.id,
  email: stored.email,
  name: stored.name,
  groups: stored.groups,
  userId: stored.userId ?? null,
  invitedBy: stored.invitedBy,
  createdAt: stored.createdAt,
  expiresAt: stored.expiresAt,
  endedAt: stored.endedAt ?? null,
  ending: stored.ending ?? null,
});

/** Invitations in auth's schema. */
export function invitationStore(entities: EntityManager, sql: Sql): InvitationStore {
  const locked = async (which: FilterQuery<StoredInvitation>): Promise<Invitation | undefined> => {
    const stored = await entities.findOne(InvitationEntity, which, {
      lockMode: LockMode.PESSIMISTIC_WRITE,
      refresh: true,
    });
    return stored === null ? undefined : toInvitation(stored);
  };
  return {
    byId: async (id) => (isUuid(id) ? locked({ id }) : undefined),

    byToken: (tokenHash) => locked({ tokenHash }),

    async userOf(tokenHash) {
      const [row] = await sql.query<{ user_id: string | null }>(
        'SELECT user_id FROM invitations WHERE token_hash = $1',
        [tokenHash],
      );
      return row?.user_id ?? undefined;
    },

    async add({ tokenHash, email, name, groups, userId, by, at, expiresAt }) {
      const stored = entities.create(InvitationEntity, {
        ...{ id: randomUUID(), tokenHash, email, name, groups, userId, invitedById: by.id, invitedBy: by.name },
        ...{ createdAt: at, expiresAt },
      });
      await entities.flush();
      return toInvitation(stored);
    },

    async end(id, end) {
      const stored = await entities.findOneOrFail(InvitationEntity, { id }); // known already, since it was locked
      stored.endedAt = end.at;
      stored.ending = end.ending;
      stored.userId = end.userId;
      await entities.flush();
    },

    async endOpen(of, { ending, at }) {
      const [condition, value] = 'email' in of ? ['lower(email) = lower($1)', of.email] : ['user_id = $1', of.userId];
      await sql.execute(`UPDATE invitations SET ended_at = $2, ending = $3 WHERE ${condition} AND ended_at IS NULL`, [
        ...[value, at, ending],
      ]);
    },
  };
}
