import { AccessFactSchema } from '@berth/contracts';
import type { Sql } from '@berth/database';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Fact, subjectOf } from '../../../domain/access-facts.ts';
import type { Limit } from '../../../domain/limits/limit.ts';

/** A fact to be told, and until when anybody need know it. */
export interface ToldFact {
  readonly fact: Fact;
  readonly until: Date | undefined;
}

/**
 * Writes facts under the next positions. The lock is held until the commit, so positions become visible in their order and nobody who
 * asks for those after one misses any. Call it last in a transaction.
 */
export async function writeFacts(sql: Sql, facts: readonly ToldFact[]): Promise<void> {
  if (facts.length === 0) return;
  await sql.query("SELECT pg_advisory_xact_lock(hashtextextended('access-facts:' || current_schema(), 0))");
  const newest = new Map(facts.map((told) => [`${told.fact.kind} ${subjectOf(told.fact)}`, told])); // the last one of each counts
  const rows = [...newest.values()];
  await sql.execute(
    `INSERT INTO access_facts AS f (kind, subject, position, body, until)
     SELECT kind, subject, nextval('access_positions'), body, until
     FROM unnest($1::text[], $2::text[], $3::bytea[], $4::timestamptz[]) AS told (kind, subject, body, until)
     ON CONFLICT (kind, subject) DO UPDATE SET position = excluded.position, body = excluded.body, until = excluded.until`,
    [
      rows.map(({ fact }) => fact.kind),
      rows.map(({ fact }) => subjectOf(fact)),
      rows.map(({ fact }) => Buffer.from(toBinary(AccessFactSchema, create(AccessFactSchema, { fact: onWire(fact) })))),
      rows.map(({ until }) => until ?? null),
    ],
  );
}

const limitsOnWire = (limits: readonly Limit[]) =>
  limits.map(({ endpointGroup, windowSeconds, requests }) => ({
    endpointGroup,
    windowSeconds,
    requests: BigInt(requests),
  }));

function onWire(fact: Fact): NonNullable<MessageInitShape<typeof AccessFactSchema>['fact']> {
  switch (fact.kind) {
    case 'signing-key':
      return { case: 'signingKey', value: { id: fact.id, publicJwk: fact.publicJwk, removed: fact.removed } };
    case 'group':
      return {
        case: 'group',
        value: { ...fact, permissions: [...fact.permissions], limits: limitsOnWire(fact.limits) },
      };
    case 'user':
      return { case: 'user', value: { ...fact, groups: [...fact.groups], limits: limitsOnWire(fact.limits) } };
    case 'session':
      return { case: 'session', value: { id: fact.id } };
    case 'api-key':
      return { case: 'apiKey', value: { id: fact.id } };
    case 'api-keys-of':
      return { case: 'apiKey', value: { userId: fact.userId } };
    case 'limits':
      return { case: 'limits', value: { rules: fact.rules } };
    case 'block': {
      const { subject, reason, until } = fact;
      return { case: 'block', value: { subject, reason, ...(until && { until: timestampFromDate(until) }) } };
    }
  }
}
