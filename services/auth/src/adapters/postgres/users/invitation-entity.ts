import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { InvitationEnding } from '../../../domain/users/invitation.ts';
import { moment, texts, written } from '../column-types.ts';

/** How invitations lie in their table. The token's hash is looked for and never read. */
export const InvitationEntity = defineEntity({
  name: 'Invitation',
  tableName: 'invitations',
  checks: [{ name: 'invitations_check', expression: '(ended_at IS NULL) = (ending IS NULL)' }],
  uniques: [
    { name: 'invitations_token', properties: ['tokenHash'] },
    {
      name: 'invitations_open',
      expression: 'CREATE UNIQUE INDEX invitations_open ON invitations (lower(email)) WHERE ended_at IS NULL',
    },
  ],
  indexes: [
    { name: 'invitations_in_order', properties: ['seq'] },
    { name: 'invitations_of_user', properties: ['userId'], where: 'user_id IS NOT NULL' },
  ],
  properties: {
    id: p.uuid().primary(),
    seq: written(),
    tokenHash: p.blob().lazy(),
    email: p.text(),
    name: p.text(),
    groups: texts(),
    userId: p.text().nullable(),
    invitedById: p.text(),
    invitedBy: p.text(),
    createdAt: moment(),
    expiresAt: moment(),
    endedAt: moment().nullable(),
    ending: p.text().$type<InvitationEnding>().nullable().check("ending IN ('accepted', 'revoked', 'replaced')"),
  },
});

export type StoredInvitation = InferEntity<typeof InvitationEntity>;
