import type { Sql } from '@berth/database';
import { knownUntil } from '../../../domain/sessions/session.ts';
import { lastTokenEnds } from '../sessions/read-sessions.ts';
import type { ToldFact } from './fact-rows.ts';

/**
 * What a user's tokens may not do has to be known until the last of them has ended. Call it late in a transaction that holds the user's lock:
 * nobody gives the user a token meanwhile. Limits of a user are in no token, so they are known for ever.
 */
export async function untilTokensEnd(sql: Sql, facts: readonly ToldFact[]): Promise<readonly ToldFact[]> {
  const ids = facts.flatMap((told) => (isTimed(told) ? [told.fact.id] : []));
  if (ids.length === 0) return facts;
  const ends = await lastTokenEnds(sql, ids);
  return facts.map((told) => {
    if (!isTimed(told)) return told;
    const end = ends.get(told.fact.id) ?? new Date();
    return { fact: told.fact, until: knownUntil(end) };
  });
}

type UserTold = ToldFact & { readonly fact: Extract<ToldFact['fact'], { kind: 'user' }> };

const isTimed = (told: ToldFact): told is UserTold =>
  told.fact.kind === 'user' && told.until === undefined && told.fact.limits.length === 0;
