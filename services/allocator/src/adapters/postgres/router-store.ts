import type { Database, Sql } from '@berth/database';
import type { ForeignValue, RouterReport, RouterStore } from '../../app/ports.ts';
import type { SpaceRanges } from '../../domain/default-pools.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import type { Router } from '../../domain/router.ts';
import { conflictsOf, deriveForeign } from './foreign-store.ts';
import { allRouters, lockRouters } from './router-rows.ts';
import { SpaceCatalogue } from './space-catalogue.ts';
import { rebuildSpans } from './span-store.ts';
import { repairingSpans } from './spans-out-of-step.ts';

/** Routers, their pools and what others hold there, in Postgres. */
export const postgresRouters = (database: Database): RouterStore => ({
  async report(reports, ranges) {
    await database.transaction(async (sql) => {
      await lockRouters(
        sql,
        reports.map(({ name }) => name),
      );
      const moved: string[] = [];
      for (const report of reports) if (await storeReport(sql, report)) moved.push(report.name);
      // In the same transaction: nobody may see the new place without its pools.
      for (const [name, router] of await lockRouters(sql, moved)) await reconcile(sql, name, ranges(router), router);
    });
  },

  all: () => allRouters(database),

  async reconcilePools(name, ranges) {
    await database.transaction(async (sql) => {
      const router = (await lockRouters(sql, [name])).get(name);
      if (router) await reconcile(sql, name, ranges(router), router);
    });
  },

  async replaceForeign(name, inventory, values) {
    const replace = () =>
      database.transaction(async (sql) => {
        const router = (await lockRouters(sql, [name])).get(name);
        if (router === undefined || router.inventoryLoaded >= inventory) return [];
        await sql.execute('DELETE FROM foreign_holdings WHERE router = $1', [name]);
        await insertForeign(sql, name, values);
        await deriveForeign(sql, await SpaceCatalogue.read(sql, [name]), name);
        await sql.execute('UPDATE routers SET inventory_loaded = $2 WHERE name = $1', [name, inventory]);
        return conflictsOf(sql, name);
      });
    return repairingSpans(database, replace);
  },
});

/** Makes the pools what they should be, and the free spans and foreign holdings of those that changed. */
async function reconcile(sql: Sql, name: string, ranges: readonly SpaceRanges[], router: Router): Promise<void> {
  const changed: number[] = [];
  for (const wanted of ranges) {
    const spaceId = await storeSpace(sql, router, wanted);
    if (spaceId !== undefined) changed.push(spaceId);
  }
  if (changed.length === 0) return;
  await rebuildSpans(sql, changed);
  await deriveForeign(sql, await SpaceCatalogue.read(sql, [name]), name);
}

/** Whether the router's place in the network changed with it. */
async function storeReport(sql: Sql, report: RouterReport): Promise<boolean> {
  const site = report.site === null ? null : JSON.stringify(report.site);
  const [before] = await sql.query<{ same: boolean; newer: boolean }>(
    `SELECT ($4::jsonb IS NULL OR (site IS NOT NULL AND site = $4::jsonb AND gateway = $5)) AS same,
       (epoch, sequence) < ($2::bigint, $3::bigint) AS newer FROM routers WHERE name = $1`,
    [report.name, report.epoch, report.sequence, site, report.gateway],
  );
  if (before?.newer === false) return false;
  // A report without a profile (a driver that has just started) does not make us forget the one we know.
  await sql.execute(
    `INSERT INTO routers AS r (name, epoch, sequence, state, retry_after_seconds, reason, since, site, gateway, version, inventory)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     ON CONFLICT (name) DO UPDATE SET epoch = $2, sequence = $3, state = $4, retry_after_seconds = $5, reason = $6, since = $7,
       site = coalesce($8, r.site), gateway = CASE WHEN $8::jsonb IS NULL THEN r.gateway ELSE $9 END,
       version = $10, inventory = greatest(r.inventory, $11)`,
    [
      report.name,
      report.epoch,
      report.sequence,
      report.state,
      report.retryAfterSeconds,
      report.reason,
      report.since,
      site,
      report.gateway,
      report.version,
      report.inventory,
    ],
  );
  return before === undefined ? site !== null : !before.same;
}

const asMultirange = (ranges: readonly NumberRange[]): string =>
  `{${ranges.map(({ first, last }) => `[${first},${last}]`).join(',')}}`;

/** The space's id when its pools changed. */
async function storeSpace(sql: Sql, router: Router, wanted: SpaceRanges): Promise<number | undefined> {
  const isPort = wanted.space === 'tcp' || wanted.space === 'udp';
  const key = [router.name, wanted.space, isPort ? (router.site?.externalIp ?? '') : ''];
  await sql.execute('INSERT INTO spaces (router, kind, external_ip) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING', key);
  const [space] = await sql.query<{ id: number }>(
    'SELECT id FROM spaces WHERE router = $1 AND kind = $2 AND external_ip = $3',
    key,
  );
  if (space === undefined) throw new Error('the space vanished');
  const pools = [
    ['default', wanted.pool],
    ['rest', wanted.rest],
  ] as const;
  const [known] = await sql.query<{ same: boolean }>(
    `SELECT count(*) = 2 AND bool_and(coalesce(span, '{}') = wanted) AS same FROM (
       SELECT CASE WHEN g.pool_id IS NULL THEN 'rest' ELSE 'default' END AS name,
         (SELECT range_agg(r.span) FROM segment_ranges r WHERE r.segment_id = g.id) AS span FROM segments g WHERE g.space_id = $1
     ) now JOIN unnest($2::text[], $3::text[]) AS w (name, text) USING (name) CROSS JOIN LATERAL (SELECT text::int8multirange AS wanted) x`,
    [space.id, pools.map(([name]) => name), pools.map(([, ranges]) => asMultirange(ranges))],
  );
  if (known?.same) return undefined;
  await sql.execute('DELETE FROM segment_ranges WHERE space_id = $1', [space.id]);
  for (const [name, ranges] of pools) {
    const poolId = name === 'default' ? await seedPool(sql, router.name, wanted.space) : null;
    await sql.execute('INSERT INTO segments (space_id, pool_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      space.id,
      poolId,
    ]);
    await sql.execute(
      `INSERT INTO segment_ranges (space_id, segment_id, span)
       SELECT g.space_id, g.id, unnest($3::text::int8multirange) FROM segments g
       WHERE g.space_id = $1 AND g.pool_id IS NOT DISTINCT FROM $2::uuid`,
      [space.id, poolId, asMultirange(ranges)],
    );
  }
  return space.id;
}

const poolKindOf = (space: SpaceRanges['space']) =>
  space === 'address' ? 'ip-pools' : space === 'rule' ? 'rule-pools' : 'port-pools';

/** The router's default pool that holds such values. */
async function seedPool(sql: Sql, router: string, space: SpaceRanges['space']): Promise<string> {
  const [pool] = await sql.query<{ id: string }>(
    `INSERT INTO pools (kind, name, router, spec, from_settings) VALUES ($1, $2, $2, '{}', true)
     ON CONFLICT (kind, name) DO UPDATE SET from_settings = true RETURNING id`,
    [poolKindOf(space), router],
  );
  if (pool === undefined) throw new Error('the pool vanished');
  return pool.id;
}

const insertForeign = (sql: Sql, router: string, values: readonly ForeignValue[]): Promise<number> =>
  sql.execute(
    `INSERT INTO foreign_holdings (router, kind, held, value, external_ip, path)
     SELECT $1, kind, CASE WHEN first IS NULL THEN NULL ELSE int8range(first, last, '[]') END, value, external_ip, path
     FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::text[])
       AS v (kind, first, last, value, external_ip, path)`,
    [
      router,
      values.map(({ kind }) => kind),
      values.map(({ held }) => held?.first ?? null),
      values.map(({ held }) => held?.last ?? null),
      values.map(({ value }) => value),
      values.map(({ externalIp }) => externalIp),
      values.map(({ path }) => path),
    ],
  );
