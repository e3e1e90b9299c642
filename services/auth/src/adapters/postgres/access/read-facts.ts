import { type AccessFact, AccessFactSchema } from '@berth/contracts';
import type { Database } from '@berth/database';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';

const pageSize = 1_000;
/** Facts past their time are kept so long, for those who lag behind; who lags further begins again. */
const keptPastHours = 24;

/** A page of facts. */
export interface FactPage {
  readonly facts: readonly AccessFact[];
  readonly position: bigint;
  readonly more: boolean;
}

/** The facts after a position, in order; from 0 without those whose time has passed. */
export async function factsAfter(database: Database, after: bigint): Promise<FactPage> {
  const rows = await database.query<{ position: string; body: Buffer; until: string | null }>(
    `SELECT position, body, until FROM access_facts
     WHERE position > $1 AND ($1 > 0 OR until IS NULL OR until > clock_timestamp()) ORDER BY position LIMIT $2`,
    [after, pageSize],
  );
  const facts = rows.map(({ position, body, until }) => ({
    ...fromBinary(AccessFactSchema, body),
    position: BigInt(position),
    ...(until !== null && { until: timestampFromDate(new Date(until)) }),
  }));
  return { facts, position: facts.at(-1)?.position ?? after, more: facts.length === pageSize };
}

/** The newest position. */
export async function newestPosition(database: Database): Promise<bigint> {
  const [row] = await database.query<{ position: string | null }>('SELECT max(position) AS position FROM access_facts');
  return BigInt(row?.position ?? 0);
}

/** Drops facts that nobody need know any more. */
export async function dropOldFacts(database: Database): Promise<void> {
  await database.execute(`DELETE FROM access_facts WHERE until < now() - interval '${keptPastHours} hours'`);
}
