import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type { Limit } from '../../../domain/limits/limit.ts';
import { moment, texts, version } from '../column-types.ts';

const seconds = (name: string) => p.bigint('number').nullable().check(`${name} >= 0`);

/** How groups lie in their table. */
export const GroupEntity = defineEntity({
  name: 'Group',
  tableName: 'groups',
  properties: {
    name: p.text().primary(),
    description: p.text().default(''),
    permissions: texts(),
    everywhere: p.boolean().default(false),
    builtIn: p.boolean().default(false),
    accessTokenSeconds: seconds('access_token_seconds'),
    refreshTokenSeconds: seconds('refresh_token_seconds'),
    limits: p.json<readonly Limit[]>().defaultRaw(`'[]'`),
    version: version(),
    createdAt: moment().defaultRaw('now()'),
    updatedAt: moment().defaultRaw('now()'),
  },
});

export type StoredGroup = InferEntity<typeof GroupEntity>;

/** Names of groups that are gone. */
export const FormerGroupEntity = defineEntity({
  name: 'FormerGroup',
  tableName: 'former_groups',
  properties: { name: p.text().primary(), removedAt: moment().defaultRaw('now()') },
});
