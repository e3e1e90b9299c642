import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { BanEnding } from '../../../domain/users/ban.ts';
import { moment, written } from '../column-types.ts';

/** How the history of bans lies in its table. */
export const BanEntity = defineEntity({
  name: 'Ban',
  tableName: 'bans',
  checks: [{ name: 'bans_check', expression: '(ended_at IS NULL) = (ending IS NULL)' }],
  uniques: [{ name: 'bans_standing', properties: ['userId'], where: 'ended_at IS NULL' }],
  indexes: [{ name: 'bans_of_user', properties: ['userId', 'seq'] }],
  properties: {
    id: p.uuid().primary(),
    seq: written(),
    userId: p.text(),
    bannedAt: moment(),
    bannedById: p.text(),
    bannedBy: p.text(),
    until: moment().nullable(),
    reason: p.text(),
    endedAt: moment().nullable(),
    endedById: p.text().default(''),
    endedBy: p.text().default(''),
    ending: p.text().$type<BanEnding>().nullable().check("ending IN ('lifted', 'replaced', 'ran_out')"),
    liftReason: p.text().default(''),
  },
});

export type StoredBan = InferEntity<typeof BanEntity>;
