import { createHash } from 'node:crypto';
import type { Sql } from '@berth/database';
import { pageOf, readPageToken } from '../../../app/page-token.ts';
import { refuseFields } from '../../../domain/errors.ts';
import type { User } from '../../../domain/users/user.ts';
import type { Page, PageChoice } from '../access/access-directory.ts';
import { type StoredUser, toUser, userColumns } from './user-rows.ts';

/** Which users; empty and absent: any. */
export interface UserFilter {
  /** Beginnings, whatever their case. */
  readonly name: string;
  readonly email: string;
  readonly group: string;
  readonly banned: boolean | undefined;
  readonly verified: boolean | undefined;
}

/** Everybody. */
export const anyUser: UserFilter = { name: '', email: '', group: '', banned: undefined, verified: undefined };

/** What pages are cut by. Names are compared byte by byte, which one index serves for the order and for beginnings. */
const orders = {
  name: {
    key: 'lower(u.name) COLLATE "C"',
    written: 'lower(u.name)',
    read: (place: string) => `${place}::text`,
    isKey: (text: string) => text.length <= 100 && !text.includes('\u0000'),
  },
  created_at: {
    key: 'u.created_at',
    written: '(extract(epoch FROM u.created_at) * 1000)::bigint::text', // milliseconds, as the column has them
    read: (place: string) => `timestamptz 'epoch' + ${place}::bigint * interval '1 millisecond'`,
    isKey: (text: string) => /^\d{1,14}$/.test(text),
  },
} as const;

/** One user. */
export async function userWithId(sql: Sql, id: string): Promise<User | undefined> {
  const [row] = await sql.query<StoredUser>(`SELECT ${userColumns} FROM users u WHERE u.id = $1`, [id]);
  return row && toUser(row);
}

/** The users that `filter` lets through, in the order of `sort`: one of `orders`, with - in front backwards. */
export async function userPage(
  sql: Sql,
  { filter, sort, size, token }: PageChoice & { readonly filter: UserFilter; readonly sort: string },
): Promise<Page<User>> {
  const descending = sort.startsWith('-');
  const order = orderOf(descending ? sort.slice(1) : sort || 'name');
  const list = `users ${createHash('sha256')
    .update(JSON.stringify([sort, filter]))
    .digest('base64url')
    .slice(0, 16)}`;
  const after = readPageToken(list, token, ([key = '', id = '', ...more]) => {
    return more.length === 0 && order.isKey(key) && /^[0-9a-f-]{1,40}$/.test(id);
  });
  const { conditions, values } = conditionsOf(filter);
  if (after !== undefined) {
    values.push(...after);
    const place = `(${order.read(`$${values.length - 1}`)}, $${values.length})`;
    conditions.push(`(${order.key}, u.id) ${descending ? '<' : '>'} ${place}`);
  }
  const direction = descending ? 'DESC' : 'ASC';
  const rows = await sql.query<StoredUser & { place: string }>(
    `SELECT ${userColumns}, ${order.written} AS place FROM users u
     WHERE ${['true', ...conditions].join(' AND ')} ORDER BY ${order.key} ${direction}, u.id ${direction} LIMIT ${size + 1}`,
    values,
  );
  const { items, nextToken } = pageOf(rows, size, list, (row) => [row.place, row.id]);
  return { items: items.map(toUser), nextToken };
}

function orderOf(name: string): (typeof orders)[keyof typeof orders] {
  if (name === 'name' || name === 'created_at') return orders[name];
  refuseFields([{ field: 'sort', message: 'must be name or created_at, with - in front to go backwards' }]);
  return orders.name;
}

function conditionsOf({ name, email, group, banned, verified }: UserFilter) {
  const conditions: string[] = [];
  const values: string[] = [];
  const having = (value: string, condition: (place: string) => string) => {
    if (value !== '') conditions.push(condition(`$${values.push(value)}`));
  };
  having(beginningWith(name), (place) => `lower(u.name) COLLATE "C" LIKE ${place}`);
  having(beginningWith(email), (place) => `lower(u.email) COLLATE "C" LIKE ${place}`);
  having(group, (place) => `u.id IN (SELECT m.user_id FROM memberships m WHERE m.group_name = ${place})`);
  // now(), which does not change within a statement, lets the index of bans be used.
  if (banned === true) conditions.push('u.banned_until > now()');
  if (banned === false) conditions.push('(u.banned_until IS NULL OR u.banned_until <= now())');
  if (verified !== undefined) conditions.push(`u.email_verified_at IS ${verified ? 'NOT ' : ''}NULL`);
  return { conditions, values };
}

const beginningWith = (text: string): string =>
  text === '' ? '' : `${text.toLowerCase().replaceAll(/[\\%_]/g, '\\$&')}%`;
