import type { Database, Sql } from '@berth/database';
import type { Outbox } from '@berth/messaging';
import type { ForeignValue, RouterReport, RouterStore } from '../../../app/ports.ts';
import type { PoolSpec } from '../../../domain/pools/pool.ts';
import type { PoolChange } from '../../../domain/pools/pool-change.ts';
import type { Router } from '../../../domain/routers/router.ts';
import { type ChangeForms, storeChanges } from '../pools/pool-changes.ts';
import { followSettings } from '../pools/settings-pools.ts';
import { allRouters, lockRouters } from '../router-rows.ts';
import { conflictsOf, deriveForeign } from '../values/foreign-store.ts';
import { repairingSpans } from '../values/spans-out-of-step.ts';
import { dropRouter, routersToDrop } from './drop-router.ts';

export interface RouterStoreDeps {
  readonly database: Database;
  readonly outbox: Outbox;
  /** How changes of the settings' pools are told. */
  readonly forms: ChangeForms;
}

/** Routers, their pools and what others hold there, in Postgres. */
export const postgresRouters = ({ database, outbox, forms }: RouterStoreDeps): RouterStore => ({
  async report(reports, defaults) {
    const take = () =>
      outbox.transaction(async (sql, send) => {
        await lockRouters(
          sql,
          reports.map(({ name }) => name),
        );
        const moved: string[] = [];
        for (const report of reports) if (await storeReport(sql, report)) moved.push(report.name);
        // In the same transaction: nobody may see the new place without its pools.
        const changes: PoolChange[] = [];
        const gone = reports.filter(({ state }) => state === 'removed').map(({ name }) => name);
        for (const router of (await lockRouters(sql, [...moved, ...gone])).values()) {
          changes.push(...(await follow(sql, router, defaults(router))));
        }
        await storeChanges(sql, changes, forms, send);
      });
    await repairingSpans(database, take);
  },

  all: () => allRouters(database),

  toDrop: () => routersToDrop(database),

  async reconcilePools(name, defaults) {
    const reconcile = () =>
      outbox.transaction(async (sql, send) => {
        const router = (await lockRouters(sql, [name])).get(name);
        if (router) await storeChanges(sql, await follow(sql, router, defaults(router)), forms, send);
      });
    await repairingSpans(database, reconcile);
  },

  async replaceForeign(name, inventory, values) {
    const replace = () =>
      database.transaction(async (sql) => {
        const router = (await lockRouters(sql, [name])).get(name);
        if (router === undefined || router.inventoryLoaded >= inventory) return [];
        await sql.execute('DELETE FROM foreign_holdings WHERE router = $1', [name]);
        await insertForeign(sql, name, values);
        await deriveForeign(sql, name);
        await sql.execute('UPDATE routers SET inventory_loaded = $2 WHERE name = $1', [name, inventory]);
        return conflictsOf(sql, name);
      });
    return repairingSpans(database, replace);
  },
});

/** A router that is not managed any more keeps nothing of the settings. */
const follow = (sql: Sql, router: Router, specs: readonly PoolSpec[]): Promise<PoolChange[]> =>
  router.state === 'removed' ? dropRouter(sql, router) : followSettings(sql, router, specs);

/** Whether the router's place in the network changed with it. */
async function storeReport(sql: Sql, report: RouterReport): Promise<boolean> {
  // A report without a profile (a driver that has just started) does not make us forget the one we know.
  const profile =
    report.site === null
      ? null
      : { site: report.site, gateway: report.gateway, subnets: report.subnets, interfaces: report.interfaces };
  const [before] = await sql.query<{ same: boolean; newer: boolean }>(
    `SELECT ($4::jsonb IS NULL OR jsonb_build_object('site', site, 'gateway', gateway, 'subnets', subnets, 'interfaces', interfaces) = $4::jsonb) AS same,
       (epoch, sequence) < ($2::bigint, $3::bigint) AS newer FROM routers WHERE name = $1`,
    [report.name, report.epoch, report.sequence, profile && JSON.stringify(profile)],
  );
  if (before?.newer === false) return false;
  await sql.execute(
    `INSERT INTO routers AS r (name, epoch, sequence, state, retry_after_seconds, reason, since, version, inventory)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (name) DO UPDATE SET epoch = $2, sequence = $3, state = $4, retry_after_seconds = $5, reason = $6, since = $7,
       version = $8, inventory = greatest(r.inventory, $9)`,
    [
      report.name,
      report.epoch,
      report.sequence,
      report.state,
      report.retryAfterSeconds,
      report.reason,
      report.since,
      report.version,
      report.inventory,
    ],
  );
  if (profile === null || before?.same) return false;
  await sql.execute(
    `UPDATE routers SET site = p -> 'site', gateway = p ->> 'gateway', subnets = p -> 'subnets', interfaces = p -> 'interfaces'
     FROM (SELECT $2::jsonb AS p) profile WHERE name = $1`,
    [report.name, JSON.stringify(profile)],
  );
  return true;
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
