import type { Database, Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import { auditMessage, type Outbox, type Send } from '@berth/messaging';
import { auditedRouter } from '../../../app/routers/audited-router.ts';
import type { SealedKey } from '../../../app/routers/key-vault.ts';
import type {
  NewRegistration,
  RegisteredRouter,
  RegistryAnswer,
  RegistryDecision,
  RegistryWrite,
  RouterRegistry,
  RouterUse,
} from '../../../app/routers/router-registry.ts';
import { answeredOnce } from '../answered-keys.ts';
import { type StatusRow, statusColumns, statusMessage } from '../router-messages.ts';
import { detailsBytes, routerDetails } from './router-details.ts';
import { type RegistrationRow, registrationColumns, toRegistered } from './router-rows.ts';

/** Routers in the `routers` rows. */
export class PostgresRouterRegistry implements RouterRegistry {
  readonly #database: Database;
  readonly #outbox: Outbox;

  constructor(deps: { database: Database; outbox: Outbox }) {
    this.#database = deps.database;
    this.#outbox = deps.outbox;
  }

  async beat(replica: string, aliveMs: number): ReturnType<RouterRegistry['beat']> {
    const [counted] = await this.#database.query<{ count: number }>(
      `WITH gone AS (DELETE FROM replicas WHERE alive_until < clock_timestamp() AND id <> $1),
         here AS (INSERT INTO replicas (id, alive_until) VALUES ($1, clock_timestamp() + $2 * interval '1 millisecond')
           ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until)
       SELECT 1 + count(*)::integer AS count FROM replicas WHERE id <> $1 AND alive_until >= clock_timestamp()`,
      [replica, aliveMs],
    );
    return { routers: await this.all(), replicas: counted?.count ?? 1 };
  }

  async leave(replica: string): Promise<void> {
    await this.#database.execute('DELETE FROM replicas WHERE id = $1', [replica]);
  }

  async all(): Promise<readonly RegisteredRouter[]> {
    return registered(this.#database);
  }

  async change(
    name: string,
    { author, deadline, key }: RegistryWrite,
    decide: (
      known: RegisteredRouter | undefined,
      use: RouterUse,
      others: readonly RegisteredRouter[],
    ) => RegistryDecision,
  ): Promise<RegistryAnswer> {
    const changed = async (sql: Sql, send: Send) => {
      // A router that is not there yet has no row to lock, and the same device could be added under two names at once.
      await sql.query(`SELECT pg_advisory_xact_lock(hashtextextended('routers', 0))`);
      const known = await lockedRouter(sql, name);
      const at = await momentBefore(sql, deadline);
      const others = (await registered(sql)).filter((one) => one.name !== name);
      const decision = decide(known, await useOf(sql, name), others);
      if (decision.kind === 'put') await put(sql, send, name, known, decision.registration);
      if (decision.kind === 'remove') await remove(sql, send, name);
      if (decision.kind !== 'keep') {
        send(auditMessage(author, auditedRouter(name, known, await lockedRouter(sql, name), at)));
      }
      return decision.kind === 'remove' ? new Uint8Array() : detailsBytes(await routerDetails(sql, name));
    };
    return this.#outbox.transaction((sql, send) => answeredOnce(sql, key, () => changed(sql, send)));
  }

  async reseal(name: string, before: SealedKey, after: SealedKey, keyFingerprint: string): Promise<void> {
    await this.#database.execute(
      'UPDATE routers SET sealed_key = $3, sealed_with = $4, key_fingerprint = $5 WHERE name = $1 AND sealed_key = $2',
      [name, before.bytes, after.bytes, after.masterKeyId, keyFingerprint],
    );
  }

  async renameKey(name: string, before: string, after: string): Promise<void> {
    if (before === after) return;
    await this.#database.execute(
      'UPDATE routers SET key_fingerprint = $3 WHERE name = $1 AND key_fingerprint = $2 AND from_settings',
      [name, before, after],
    );
  }

  async tellTrouble(name: string, reason: string): Promise<void> {
    await this.#outbox.transaction(async (sql, send) => {
      const changed = await sql.execute(
        `UPDATE routers SET state = 'unreachable', since = CASE WHEN state = 'unreachable' THEN since ELSE now() END,
           reason = $2, retry_at = NULL
         WHERE name = $1 AND enabled AND removed_at IS NULL AND (state <> 'unreachable' OR reason <> $2)
           AND (lease_until IS NULL OR lease_until < clock_timestamp())`,
        [name, reason],
      );
      if (changed > 0) await tell(sql, send, name);
    });
  }

  async borrow(name: string, holder: string, forMs: number): Promise<boolean> {
    const borrowed = await this.#database.execute(
      `UPDATE routers SET borrowed_by = $2, borrowed_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE name = $1 AND removed_at IS NULL
         AND (borrowed_until IS NULL OR borrowed_until < clock_timestamp() OR borrowed_by = $2)`,
      [name, holder, forMs],
    );
    return borrowed === 1;
  }

  async giveBack(name: string, holder: string): Promise<void> {
    await this.#database.execute(
      'UPDATE routers SET borrowed_by = NULL, borrowed_until = NULL WHERE name = $1 AND borrowed_by = $2',
      [name, holder],
    );
  }

  async hasOpenBatch(name: string): Promise<boolean> {
    const rows = await this.#database.query("SELECT FROM batches WHERE router = $1 AND state = 'sending'", [name]);
    return rows.length > 0;
  }
}

async function registered(sql: Sql): Promise<readonly RegisteredRouter[]> {
  const rows = await sql.query<RegistrationRow>(
    `SELECT ${registrationColumns} FROM routers WHERE removed_at IS NULL ORDER BY name`,
  );
  return rows.map(toRegistered);
}

async function lockedRouter(sql: Sql, name: string): Promise<RegisteredRouter | undefined> {
  const [row] = await sql.query<RegistrationRow & { removed_at: string | null }>(
    `SELECT ${registrationColumns}, removed_at FROM routers WHERE name = $1 FOR UPDATE`,
    [name],
  );
  return row === undefined || row.removed_at !== null ? undefined : toRegistered(row);
}

/** Now, by the database's clock, unless that is too late. */
async function momentBefore(sql: Sql, deadline: Date | undefined): Promise<Date> {
  const [row] = await sql.query<{ now: string; late: boolean | null }>(
    'SELECT clock_timestamp() AS now, clock_timestamp() > $1::timestamptz AS late',
    [deadline ?? null],
  );
  if (row?.late !== true) return new Date(row?.now ?? Number.NaN);
  throw new DomainError('unavailable', 'DEADLINE_PASSED', 'The command came too late and was not carried out.', {
    retryAfterSeconds: 1,
  });
}

async function useOf(sql: Sql, name: string): Promise<RouterUse> {
  const [row] = await sql.query<{ alike: string | null; vms: number; waiting: number; batches: number }>(
    `SELECT (SELECT min(name) FROM routers WHERE lower(name) = lower($1) AND name <> $1 AND removed_at IS NULL) AS alike,
       (SELECT count(*)::integer FROM resources r WHERE r.router = $1 AND (r.applied IS NOT NULL OR EXISTS (
         SELECT FROM owned_paths p WHERE p.router = $1 AND p.resource_id = r.resource_id AND p.released_at IS NULL))) AS vms,
       (SELECT count(*)::integer FROM resources WHERE router = $1 AND waiting) AS waiting,
       (SELECT count(*)::integer FROM batches WHERE router = $1 AND state = 'sending') AS batches`,
    [name],
  );
  const { alike = null, vms = 0, waiting = 0, batches = 0 } = row ?? {};
  return { namedAlike: alike ?? '', vms, waitingChanges: waiting, unsettledBatches: batches };
}

async function put(
  sql: Sql,
  send: Send,
  name: string,
  known: RegisteredRouter | undefined,
  { terms, sealedKey, keyFingerprint, fromSettings, enabled, connectionChanged }: NewRegistration,
): Promise<void> {
  if (known === undefined) await begin(sql, name);
  const { host, port, keyId, caPem, fingerprint, ...wishes } = terms;
  await sql.execute(
    `UPDATE routers SET host = $2, port = $3, key_id = $4, sealed_key = $5, sealed_with = $6, key_fingerprint = $7, ca_pem = $8,
       fingerprint = $9, wishes = $10::jsonb, from_settings = $11, enabled = $12, revision = revision + $13,
       connection = connection + $14, updated_at = now()
     WHERE name = $1`,
    [
      ...[name, host, port, keyId, sealedKey?.bytes ?? null, sealedKey?.masterKeyId ?? null, keyFingerprint, caPem],
      ...[fingerprint, JSON.stringify(wishes), fromSettings, enabled, known === undefined ? 0 : 1],
      connectionChanged ? 1 : 0,
    ],
  );
  if (known !== undefined && known.enabled === enabled) return;
  await sql.execute('UPDATE routers SET state = $2, reason = $3, since = now(), retry_at = NULL WHERE name = $1', [
    name,
    enabled ? 'unseen' : 'disabled',
    enabled ? '' : switchedOff,
  ]);
  await tell(sql, send, name);
}

const switchedOff = 'It was switched off: changes wait until it is enabled again.';

/** A row for a router that is new. One that was here before goes on counting, so that nothing of then is taken for news. */
const begin = (sql: Sql, name: string): Promise<number> =>
  sql.execute(
    `INSERT INTO routers (name, lease_until) VALUES ($1, clock_timestamp())
     ON CONFLICT (name) DO UPDATE SET removed_at = NULL, created_at = now(), revision = routers.revision + 1,
       connection = routers.connection + 1, lease_epoch = routers.lease_epoch + 1, state = 'unseen', reason = '', since = now(),
       retry_at = NULL, version = '', profile = NULL, inventory_hash = '', inventory_read_at = NULL, cost_model = NULL,
       saved_count = routers.applied_count, settings = '{}'`,
    [name],
  );

/** The next epoch begins, so that whoever still works the router, not having heard of it, can write nothing more. */
async function remove(sql: Sql, send: Send, name: string): Promise<void> {
  await sql.execute(
    `UPDATE routers SET removed_at = now(), state = 'removed', reason = '', since = now(), retry_at = NULL, enabled = false,
       sealed_key = NULL, sealed_with = NULL, key_fingerprint = '', ca_pem = '', fingerprint = '', wishes = '{}', settings = '{}',
       from_settings = false, profile = NULL, revision = revision + 1, lease_epoch = lease_epoch + 1,
       borrowed_by = NULL, borrowed_until = NULL, drift_answered = drift_asked, drift_policies_set_at = NULL, foreign_objects_hash = ''
     WHERE name = $1`,
    [name],
  );
  // Nothing of it holds for another device that is given the name later. The history stays.
  const ofDevice = [
    'owned_paths',
    'foreign_holdings',
    'foreign_objects',
    'drift_policies',
    'drift_items',
    'drift_reports',
  ];
  for (const table of ofDevice) await sql.execute(`DELETE FROM ${table} WHERE router = $1`, [name]);
  await tell(sql, send, name);
}

/** Tells all how the router stands. Needs the row's lock, as every other teller has it. */
async function tell(sql: Sql, send: Send, name: string): Promise<void> {
  const [row] = await sql.query<StatusRow>(
    `UPDATE routers SET status_sequence = CASE WHEN status_epoch = lease_epoch THEN status_sequence + 1 ELSE 1 END,
       status_epoch = lease_epoch
     WHERE name = $1 RETURNING ${statusColumns}`,
    [name],
  );
  if (row !== undefined) send(statusMessage(row));
}
