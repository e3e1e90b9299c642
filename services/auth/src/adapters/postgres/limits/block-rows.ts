import type { Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import type { Block } from '../../../domain/limits/block.ts';
import { type BlockRow, toBlock } from './limit-rows.ts';

const keptMinutes = 10;
const minuteNow = 'floor(extract(epoch FROM clock_timestamp()) / 60)::bigint';

/** Who had how many refusals. */
export interface Refusals {
  readonly subject: string;
  readonly refusals: number;
}

/** Adds refusals to those of this minute; gives back whose are `enough` by now, which are counted anew from here on. */
export async function countRefusals(sql: Sql, counts: readonly Refusals[], enough: number): Promise<string[]> {
  const rows = await sql.query<{ subject: string; minute: string; refusals: string }>(
    `INSERT INTO refusals AS r (subject, minute, refusals)
     SELECT subject, ${minuteNow}, refusals FROM unnest($1::text[], $2::bigint[]) AS c (subject, refusals) ORDER BY subject
     ON CONFLICT (subject, minute) DO UPDATE SET refusals = r.refusals + excluded.refusals
     RETURNING subject, minute, refusals`,
    [counts.map(({ subject }) => subject), counts.map(({ refusals }) => refusals)],
  );
  const many = rows.filter(({ refusals }) => Number(refusals) >= enough).map(({ subject }) => subject);
  if (many.length > 0) await sql.execute('DELETE FROM refusals WHERE subject = ANY($1)', [many]);
  return many;
}

/** Drops refusals of minutes that have passed, and blocks that ended so long ago that they make no next one longer. */
export async function dropOldBlocks(sql: Sql): Promise<void> {
  await sql.execute(`DELETE FROM refusals WHERE minute < ${minuteNow} - ${keptMinutes}`);
  await sql.execute("DELETE FROM blocks WHERE until < now() - interval '1 day'");
}

/** A page of those who are kept out now, the newest first. */
export async function listBlocks(
  sql: Sql,
  { size, token }: { readonly size: number; readonly token: string },
): Promise<{ readonly blocks: readonly Block[]; readonly nextToken: string }> {
  const [at, subject] = token === '' ? [null, ''] : placeOf(token);
  const rows = await sql.query<BlockRow>(
    `SELECT * FROM blocks WHERE until > clock_timestamp()
       AND ($1::timestamptz IS NULL OR blocked_at < $1 OR (blocked_at = $1 AND subject > $2))
     ORDER BY blocked_at DESC, subject LIMIT $3`,
    [at, subject, size + 1],
  );
  const blocks = rows.slice(0, size).map(toBlock);
  const last = rows.length > size ? blocks.at(-1) : undefined;
  return { blocks, nextToken: last ? tokenOf(last) : '' };
}

const tokenOf = ({ blockedAt, subject }: Block): string =>
  Buffer.from(`${blockedAt.toISOString()} ${subject}`).toString('base64url');

function placeOf(token: string): [Date, string] {
  const [at = '', subject = ''] = Buffer.from(token, 'base64url').toString('utf8').split(' ');
  const date = new Date(at);
  if (Number.isNaN(date.getTime()) || subject === '' || subject.includes('\0')) {
    throw new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'The page token is not one that was given out here.');
  }
  return [date, subject];
}
