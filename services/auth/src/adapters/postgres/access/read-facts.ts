import { type AccessFact, AccessFactSchema } from '@berth/contracts';
import type { Database } from '@berth/database';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';

const pageSize = 1_000;
/** Of one page, whose answer is one message: NATS takes no larger ones than a mebibyte. Facts are small, but they can be many groups or limits. */
const pageBytes = 262_144;
/** Facts past their time are kept so long, for those who lag behind; who lags further begins again. */
const keptPastHours = 24;

/**
 * Of which history positions are. It changes when the facts may have been put back: with the table, and with each start of Postgres, since
 * restoring its files, or letting a standby take over, is one. Then everybody reads everything anew, which costs little.
 */
const epoch = `md5(concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), 'access_facts'::regclass::oid,
  pg_relation_filenode('access_facts')))`;

/** A page of facts. */
export interface FactPage {
  readonly facts: readonly AccessFact[];
  readonly position: bigint;
  readonly more: boolean;
  readonly epoch: string;
  /** When it was read, by the database's clock. */
  readonly now: Date;
}

interface FactRow {
  readonly position: string;
  readonly body: Buffer;
  readonly until: string | null;
}

/** The facts after a position, in order; from 0 without those whose time has passed. */
export async function factsAfter(database: Database, after: bigint): Promise<FactPage> {
  // One statement: facts of one history with the name of another would be believed.
  const found = await database.query<{ epoch: string; now: string } & (FactRow | { readonly position: null })>(
    `SELECT history.*, f.* FROM (SELECT ${epoch} AS epoch, clock_timestamp() AS now) AS history LEFT JOIN LATERAL (
       SELECT position, body, until FROM access_facts
       WHERE position > $1 AND ($1 > 0 OR until IS NULL OR until > clock_timestamp()) ORDER BY position LIMIT $2) AS f ON true
     ORDER BY position`,
    [after, pageSize],
  );
  const rows = found.filter((row) => row.position !== null);
  const page = withinBytes(rows);
  const facts = page.map(({ position, body, until }) => ({
    ...fromBinary(AccessFactSchema, body),
    position: BigInt(position),
    ...(until !== null && { until: timestampFromDate(new Date(until)) }),
  }));
  const more = page.length < rows.length || rows.length === pageSize;
  const [first] = found;
  if (first === undefined) throw new Error('a page of facts came without its history');
  return { facts, position: facts.at(-1)?.position ?? after, more, epoch: first.epoch, now: new Date(first.now) };
}

/** As many of the first rows as fit, and at least one: without it nobody would come further. */
function withinBytes<R extends { readonly body: Buffer }>(rows: readonly R[]): readonly R[] {
  let bytes = 0;
  const tooMany = rows.findIndex(({ body }) => {
    bytes += body.length;
    return bytes > pageBytes;
  });
  return tooMany < 0 ? rows : rows.slice(0, Math.max(1, tooMany));
}

/** The newest position, and of which history it is. */
export async function newestPosition(database: Database): Promise<{ position: bigint; epoch: string }> {
  const [row] = await database.query<{ position: string | null; epoch: string }>(
    `SELECT max(position) AS position, ${epoch} AS epoch FROM access_facts`,
  );
  return { position: BigInt(row?.position ?? 0), epoch: row?.epoch ?? '' };
}

/** Drops facts that nobody need know any more. */
export async function dropOldFacts(database: Database): Promise<void> {
  await database.execute(`DELETE FROM access_facts WHERE until < now() - interval '${keptPastHours} hours'`);
}
