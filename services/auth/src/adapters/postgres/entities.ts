import { defineEntity, p } from '@mikro-orm/core';
import { ApiKey } from '../../domain/api-key.ts';

const moment = () => p.datetime().columnType('timestamptz(3)'); // JavaScript's precision, so that a value read is the value kept

/** How keys lie in their table. */
export const ApiKeyEntity = defineEntity({
  class: ApiKey,
  tableName: 'api_keys',
  checks: [
    { name: 'api_keys_permission', expression: "permission in ('viewer', 'operator', 'admin')" },
    { name: 'api_keys_origin', expression: "origin in ('created', 'admin-file', 'settings')" },
    { name: 'api_keys_previous', expression: '(previous_hash is null) = (previous_expires_at is null)' },
    { name: 'api_keys_ended', expression: '(ended is null) = (ended_at is null)' },
  ],
  indexes: [{ name: 'api_keys_in_order', properties: ['createdAt', 'id'] }],
  properties: {
    id: p.uuid().primary(),
    prefix: p.text().unique('api_keys_prefix'),
    name: p.text(),
    description: p.text(),
    permission: p.text().$type<ApiKey['permission']>(),
    origin: p.text().$type<ApiKey['origin']>(),
    secretHash: p.blob().unique('api_keys_secret'),
    previousHash: p.blob().unique('api_keys_previous_secret').nullable(),
    previousExpiresAt: moment().nullable(),
    createdAt: moment(),
    expiresAt: moment().nullable(),
    endedAt: moment().nullable(),
    ended: p.text().$type<NonNullable<ApiKey['ended']>>().nullable(),
    lastUsedAt: moment().nullable(),
  },
});

/** Answers kept for Idempotency-Keys. Written by statements of their own (`idempotency.ts`), since a claim must wait for a rival. */
export const GivenAnswerEntity = defineEntity({
  name: 'GivenAnswer',
  tableName: 'given_answers',
  indexes: [{ name: 'given_answers_claimed', properties: ['claimedAt'] }],
  properties: {
    scope: p.text().primary(),
    key: p.text().primary(),
    fingerprint: p.blob(),
    claimedAt: moment(),
    answer: p.json<unknown>().nullable(),
  },
});
