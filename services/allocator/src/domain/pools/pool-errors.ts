import { DomainError } from '@berth/errors';
import { addressPoolExhausted, portPoolExhausted, rulePoolExhausted } from '../errors.ts';
import type { PoolKind } from './pool.ts';

const about = (pool: string) => ({ resource: { type: 'pool', name: pool } });

export const poolNotFound = (pool: string): DomainError =>
  new DomainError('not_found', 'POOL_NOT_FOUND', `There is no pool "${pool}".`);

export const reservationNotFound = (id: string): DomainError =>
  new DomainError('not_found', 'RESERVATION_NOT_FOUND', `There is no reservation "${id}".`);

export const poolNameTaken = (pool: string): DomainError =>
  new DomainError('conflict', 'POOL_NAME_TAKEN', `There is a pool "${pool}" already.`, about(pool));

/** `examples`: some of the `count` values that are in the way. */
export const poolInUse = (pool: string, what: string, count: number, examples: readonly string[]): DomainError => {
  const values = count === 1 ? '1 value is' : `${count} values are`;
  const message = `${what} ${values} held, for example ${examples.join(', ')}.`;
  return new DomainError('conflict', 'POOL_IN_USE', message, about(pool));
};

/** `count`: how many it would be. */
export const tooManyRanges = (count: number, most: number): DomainError =>
  new DomainError(
    'conflict',
    'POOL_RANGES_TOO_MANY',
    `The pools of this router would have ${count} ranges; together they can have ${most}. Exclusions and denied ports cut ranges in two.`,
  );

export const versionMismatch = (pool: string): DomainError =>
  new DomainError(
    'precondition_failed',
    'VERSION_MISMATCH',
    'It has changed since that version: read it again.',
    about(pool),
  );

/** `groups`: those that a pool is for; none: all, as the forward template is. */
export const poolWriteForbidden = (groups: readonly string[]): DomainError =>
  new DomainError(
    'forbidden',
    'POOL_WRITE_FORBIDDEN',
    groups.length === 0
      ? 'What is for all groups is changed only by who holds pools:write for all of them.'
      : 'A pool is changed only by who holds pools:write for every group that it is for.',
  );

export const valueTaken = (pool: string, value: string, holder: string): DomainError =>
  new DomainError('conflict', 'VALUE_TAKEN', `${value} is taken: ${holder}.`, about(pool));

const exhausted = {
  'ip-pools': addressPoolExhausted,
  'port-pools': portPoolExhausted,
  'rule-pools': rulePoolExhausted,
} as const satisfies Record<PoolKind, unknown>;

/** No run of neighbours is long enough. */
export const noRunLeft = (kind: PoolKind, pool: string, count: number): DomainError =>
  exhausted[kind](count === 1 ? '1 value' : `${count} neighbours`, pool);

export const pageTokenInvalid = (): DomainError =>
  new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'The page token is not one that was given out.', {
    fields: [{ field: 'page_token', message: 'is not one that was given out' }],
  });
