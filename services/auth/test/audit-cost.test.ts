import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Database, Sql } from '@berth/database';
import { freshDatabase } from '@berth/testing';
import { type AuditFilters, pageOfEntries } from '../src/adapters/postgres/audit/read-audit.ts';
import { openAuthDatabase } from '../src/start-auth.ts';
import { authSchema } from './support/auth-schema.ts';

const rows = 30_000;
const actions = 10;
const pageSize = 20;

interface Plan {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows'?: number;
  readonly 'Actual Loops'?: number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly Plan[];
}

const scanned = (plan: Plan): number =>
  (plan['Relation Name'] === 'audit_entries'
    ? ((plan['Actual Rows'] ?? 0) + (plan['Rows Removed by Filter'] ?? 0)) * (plan['Actual Loops'] ?? 1)
    : 0) + (plan.Plans ?? []).reduce((sum, inner) => sum + scanned(inner), 0);

/** How many rows a page looks at. */
async function cost(database: Database, filters: AuditFilters, token = ''): Promise<number> {
  let plan: Plan = {};
  const explaining: Pick<Sql, 'query'> = {
    async query<Row>(text: string, values?: readonly unknown[]): Promise<Row[]> {
      const [row] = await database.query<{ 'QUERY PLAN': { Plan: Plan }[] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
        values,
      );
      plan = row?.['QUERY PLAN'][0]?.Plan ?? {};
      return [];
    },
  };
  await pageOfEntries({ ...explaining, execute: database.execute }, filters, { size: pageSize, token });
  return scanned(plan);
}

test('a page looks at about as many entries as it has, with each filter and wherever it lies', async (t) => {
  const { url } = await freshDatabase(t, authSchema());
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  await database.execute(
    `INSERT INTO audit_entries (id, at, action, result, actor_id, actor_kind, actor_name, resource_type, resource_id, resource_name,
       client_address, user_agent, request_id, trace_id)
     SELECT gen_random_uuid(), timestamptz '2026-01-01 00:00Z' + n * interval '1 minute', 'request.a' || n % ${actions}, 'r' || n % 50, CASE WHEN n < 3000 THEN 'left' ELSE 'p' || n % 300 END,
       'user', '', 't' || n % 20, 'i' || n % 1000, '', '10.0.0.' || n % 200, '', 'q' || n, '' FROM generate_series(1, ${rows}) n`,
  );
  await database.execute('ANALYZE audit_entries');
  const middle = Buffer.from(`${Date.UTC(2026, 0, 11)}/${rows}`).toString('base64url');
  const filters: AuditFilters[] = [
    {},
    { actor: 'p7' },
    { actor: 'left' }, // frequent, but long ago
    { actionPrefix: 'request.a' },
    { actionPrefix: 'request.a3' },
    { resourceType: 't3' },
    { resourceId: 'i3' },
    { resourceType: 't3', resourceId: 'i3' },
    { result: 'r7' },
    { address: '10.0.0.7' },
    { requestId: 'q7' },
    { since: new Date(Date.UTC(2026, 0, 5)), until: new Date(Date.UTC(2026, 0, 6)) },
    { actor: 'nobody' },
    { actionPrefix: 'nothing' },
  ];
  for (const filter of filters) {
    for (const token of ['', middle]) {
      const looked = await cost(database, filter, token);
      // Of each action a page, and one look to hop there; what has few entries altogether may be read as a whole and sorted.
      const most = 2 * pageSize * (filter.actionPrefix === undefined ? 1 : actions + 1);
      assert.ok(looked <= most, `${JSON.stringify(filter)} ${token}: ${looked} of ${rows}`);
    }
  }
});
