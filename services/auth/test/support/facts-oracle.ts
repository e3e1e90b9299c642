import assert from 'node:assert/strict';
import { AccessState } from '@berth/access';
import type { Limit } from '@berth/contracts';
import type { Database } from '@berth/database';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { factsAfter } from '../../src/adapters/postgres/access/read-facts.ts';

interface UserRow {
  readonly id: string;
  readonly groups: readonly string[];
  readonly session_version: number;
  readonly permissions_version: number;
  readonly refused: boolean;
  readonly limits: readonly { endpointGroup: string; windowSeconds: number; requests: number }[];
}

interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  readonly session_version: number;
  readonly ended: boolean;
}

/** What a gateway knows that begins now. */
async function knownNow(database: Database): Promise<AccessState> {
  const state = new AccessState();
  for (let after = 0n; ; ) {
    const { facts, position, more } = await factsAfter(database, after);
    state.apply(facts, position);
    if (!more) return state;
    after = position;
  }
}

/**
 * Fails unless the facts that a gateway would read now say what the tables say: of groups, keys, users, sessions, limits and blocks. Nobody may
 * be writing meanwhile, and no fact about a user may be more than a day old.
 */
export async function assertFactsAreRows(database: Database): Promise<void> {
  const state = await knownNow(database);
  await groupsAreRows(database, state);
  const users = await usersAreRows(database, state);
  await sessionsAreRows(database, state, users);
  await keysAreRows(database, state);
  await limitsAreRows(database, state);
}

const plain = (limits: readonly Limit[]) =>
  limits.map(({ endpointGroup, windowSeconds, requests }) => ({
    ...{ endpointGroup, windowSeconds, requests: Number(requests) },
  }));

/** Subjects of a kind, also those of which nobody is told any more. */
async function toldOf(database: Database, kind: string): Promise<readonly string[]> {
  const rows = await database.query<{ subject: string }>('SELECT subject FROM access_facts WHERE kind = $1', [kind]);
  return rows.map(({ subject }) => subject);
}

async function groupsAreRows(database: Database, state: AccessState): Promise<void> {
  const rows = await database.query<{ name: string; permissions: string[]; everywhere: boolean; limits: unknown }>(
    'SELECT name, permissions, everywhere, limits FROM groups',
  );
  for (const { name, ...row } of rows) {
    const fact = state.group(name);
    const told = fact && { permissions: fact.permissions, everywhere: fact.everywhere, limits: plain(fact.limits) };
    assert.deepEqual(told, row, `the fact about the group ${name}`);
  }
  const there = new Set(rows.map(({ name }) => name));
  const gone = (await toldOf(database, 'group')).filter((name) => !there.has(name));
  for (const name of gone) assert.equal(state.group(name), undefined, `the group ${name} is gone`);
}

async function usersAreRows(database: Database, state: AccessState): Promise<ReadonlyMap<string, UserRow>> {
  const rows = await database.query<UserRow>(
    `SELECT id, session_version, permissions_version, limits, coalesce(banned_until > clock_timestamp(), false) AS refused,
       ARRAY(SELECT group_name FROM memberships m WHERE m.user_id = u.id
             ORDER BY (group_name = u.home_group) DESC NULLS LAST, added_at, group_name) AS groups
     FROM users u`,
  );
  const told = new Set(await toldOf(database, 'user'));
  for (const { id, ...row } of rows) {
    const isFirst = row.session_version === 1 && row.permissions_version === 1 && !row.refused;
    assert.ok(told.has(id) || (isFirst && row.limits.length === 0), `nothing was told of the user ${id}`);
    const fact = state.user(id);
    if (fact === undefined) continue;
    const { groups, refused, limits, oldestSessionVersion, permissionsVersion } = fact;
    const versions = { session_version: oldestSessionVersion, permissions_version: permissionsVersion };
    assert.deepEqual({ groups, refused, limits: plain(limits), ...versions }, row, `the fact about the user ${id}`);
  }
  return new Map(rows.map((row) => [row.id, row]));
}

async function sessionsAreRows(
  database: Database,
  state: AccessState,
  users: ReadonlyMap<string, UserRow>,
): Promise<void> {
  const rows = await database.query<SessionRow>(
    `SELECT id, user_id, session_version, ended_at IS NOT NULL AS ended FROM sessions
     WHERE access_tokens_until > clock_timestamp()`,
  );
  for (const { id, user_id, session_version, ended } of rows) {
    const user = users.get(user_id);
    const fact = state.user(user_id);
    const isRefused = fact?.refused === true || session_version < (fact?.oldestSessionVersion ?? 0);
    const isOver = ended || user === undefined || user.refused || session_version < user.session_version;
    assert.equal(isRefused || state.hasEnded(id), isOver, `tokens of the session ${id}`);
  }
}

async function keysAreRows(database: Database, state: AccessState): Promise<void> {
  const rows = await database.query<{ id: string }>(
    'SELECT id FROM signing_keys WHERE verifies_until IS NULL OR verifies_until > clock_timestamp()',
  );
  const there = new Set(rows.map(({ id }) => id));
  for (const id of new Set([...there, ...(await toldOf(database, 'signing-key'))])) {
    assert.equal(state.signingKey(id) !== undefined, there.has(id), `the signing key ${id}`);
  }
}

async function limitsAreRows(database: Database, state: AccessState): Promise<void> {
  const [row] = await database.query<{ rules: readonly unknown[] }>('SELECT rules FROM limit_rules');
  const told = state.limitRules();
  const rules = told === undefined ? [] : JSON.parse(told).rules;
  assert.equal(rules.length, row?.rules.length, 'the limits for all');
  const blocks = await database.query<{ subject: string; until: string }>(
    'SELECT subject, until FROM blocks WHERE until > clock_timestamp()',
  );
  const ends = new Map(blocks.map(({ subject, until }) => [subject, new Date(until).getTime()]));
  for (const subject of new Set([...ends.keys(), ...(await toldOf(database, 'block'))])) {
    const until = state.blockOf(subject, Date.now())?.until;
    assert.equal(until && timestampMs(until), ends.get(subject), `the block of ${subject}`);
  }
}
