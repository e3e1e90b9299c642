import {
  type AuditAuthor,
  type AuditedChange,
  type DriftItemSchema,
  type DriftReportSchema,
  type SetDriftPoliciesResponse,
  SetDriftPoliciesResponseSchema,
} from '@berth/contracts';
import type { Database, Sql } from '@berth/database';
import { DomainError } from '@berth/errors';
import { auditMessage, type Outbox, type Send } from '@berth/messaging';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { policiesTag } from '../../../app/drift/policies-tag.ts';
import type { KeyUse } from '../../../app/routers/router-registry.ts';
import { keyOfPath, pathOfKey } from '../../../domain/config-tree.ts';
import type { DriftKind, DriftPolicy, DriftRule } from '../../../domain/drift/drift.ts';
import type { RouterState } from '../../../domain/routers/router-state.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';
import { answeredOnce } from '../answered-keys.ts';
import { stateOnWire } from '../router-messages.ts';
import { type DriftRow, driftColumns, driftItemOf, kindOnWire, policyOnWire } from './drift-messages.ts';

type Report = MessageInitShape<typeof DriftReportSchema>;
type Item = MessageInitShape<typeof DriftItemSchema>;

interface ReportRow {
  readonly name: string;
  readonly state: RouterState;
  readonly number: string | null;
  readonly looked_ms: number;
  readonly age_ms: number;
  readonly cost_ms: number;
  readonly added: number;
  readonly deleted: number;
  readonly updated: number;
  readonly no_change: number;
  readonly unsaved: string;
  readonly under_way: boolean;
  readonly open: number;
  readonly repairing: number;
  readonly foreign_changes: ForeignRow | null;
}

interface ForeignRow {
  readonly after: string;
  readonly seenAt: string;
  readonly added: number;
  readonly deleted: number;
  readonly updated: number;
  readonly changes: readonly { readonly path: readonly string[]; readonly kind: DriftKind }[];
}

const reportQuery = `SELECT routers.name, routers.state, report.number, report.cost_ms, report.added, report.deleted, report.updated, report.no_change,
    report.foreign_changes, round(extract(epoch FROM report.looked_at) * 1000)::float8 AS looked_ms,
    round(extract(epoch FROM clock_timestamp() - report.looked_at) * 1000)::float8 AS age_ms,
    greatest(applied_count - saved_count, 0) AS unsaved, drift_asked > drift_answered AS under_way,
    coalesce(items.open, 0)::integer AS open, coalesce(items.repairing, 0)::integer AS repairing
  FROM routers LEFT JOIN drift_reports AS report ON report.router = routers.name
  LEFT JOIN LATERAL (SELECT count(*) AS open, count(*) FILTER (WHERE repairing) AS repairing FROM drift_items
    WHERE drift_items.router = routers.name AND state = 'open') AS items ON true`;

/** In these states nothing is read. */
const silent: readonly RouterState[] = ['unseen', 'unreachable', 'breaker_open', 'disabled'];

/** Drift as any replica can tell it, from the tables alone. */
export class PostgresDriftDirectory {
  readonly #database: Database;
  readonly #outbox: Outbox;

  constructor({ database, outbox }: { readonly database: Database; readonly outbox: Outbox }) {
    this.#database = database;
    this.#outbox = outbox;
  }

  /** Every router's newest report. */
  async reports(): Promise<readonly Report[]> {
    return (await this.#database.query<ReportRow>(`${reportQuery} WHERE removed_at IS NULL ORDER BY routers.name`)).map(
      reportOf,
    );
  }

  /** Throws `not_found` for a router that is not managed here. */
  async report(router: string): Promise<Report> {
    const [row] = await this.#database.query<ReportRow>(
      `${reportQuery} WHERE routers.name = $1 AND removed_at IS NULL`,
      [router],
    );
    if (row === undefined) throw routerUnknown(router);
    return reportOf(row);
  }

  /** Items, the newest first, after the one that `after` names. */
  async items(
    router: string,
    { after, limit, ended }: { readonly after: string; readonly limit: number; readonly ended: boolean },
  ): Promise<{ readonly items: readonly Item[]; readonly next: string }> {
    const rows = await this.#database.query<DriftRow>(
      `SELECT ${driftColumns} FROM drift_items WHERE router = $1 AND ($3 OR state = 'open')
         AND ($2 = '' OR (first_seen, id) < (SELECT first_seen, id FROM drift_items WHERE id = nullif($2, '')::uuid))
       ORDER BY first_seen DESC, id DESC LIMIT $4`,
      [router, after, ended, limit + 1],
    );
    const page = rows.slice(0, limit);
    return { items: page.map(driftItemOf), next: rows.length > limit ? (page.at(-1)?.id ?? '') : '' };
  }

  /**
   * Asks the router's worker for a comparison; gives back its number, which is answered when `answered` has reached it. Throws ROUTER_DISABLED,
   * and asks for nothing, while the router is switched off.
   */
  async ask(router: string, repair: boolean): Promise<bigint> {
    const [row] = await this.#database.query<{ drift_asked: string }>(
      `UPDATE routers SET drift_asked = drift_asked + 1,
         drift_repair_asked = CASE WHEN $2 THEN drift_asked + 1 ELSE drift_repair_asked END
       WHERE name = $1 AND removed_at IS NULL AND enabled RETURNING drift_asked`,
      [router, repair],
    );
    if (row === undefined) {
      await this.report(router);
      throw new DomainError('unavailable', 'ROUTER_DISABLED', `The router ${router} is disabled: enable it first.`);
    }
    return BigInt(row.drift_asked);
  }

  /** Whether the comparison of that number was made, and what it wanted undone is. */
  async isDone(router: string, number: bigint, repair: boolean): Promise<boolean> {
    const [row] = await this.#database.query<{ done: boolean }>(
      `SELECT drift_answered >= $2 AND NOT ($3 AND EXISTS (
         SELECT FROM drift_items WHERE router = $1 AND state = 'open' AND repairing)) AS done
       FROM routers WHERE name = $1 AND removed_at IS NULL`,
      [router, number, repair],
    );
    if (row === undefined) throw routerUnknown(router);
    return row.done;
  }

  /** Why the router does not answer; undefined: it does. */
  async silence(router: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ reason: string }>(
      `SELECT reason FROM routers WHERE name = $1 AND state = ANY($2)`,
      [router, silent],
    );
    return row?.reason;
  }

  policies(router: string): Promise<readonly DriftRule[]> {
    return rulesOf(this.#database, router);
  }

  /**
   * Replaces all, unless their tag is another than `ifTag` (empty: any): `precondition_failed` then. What was contested or on its way to be undone is
   * judged anew by the comparison that this asks for. Gives back what holds then; with the `key` of an earlier use what held after that. The audit
   * log has it in the author's name, unless nothing was other than before.
   */
  async setPolicies(
    router: string,
    rules: readonly DriftRule[],
    { ifTag, key, author }: { readonly ifTag: string; readonly key: KeyUse | undefined; readonly author: AuditAuthor },
  ): Promise<SetDriftPoliciesResponse> {
    const changed = async (sql: Sql, send: Send) => {
      const [set] = await sql.query<{ now: string }>(
        `UPDATE routers SET drift_policies_set_at = now(), drift_asked = drift_asked + 1 WHERE name = $1 AND removed_at IS NULL
         RETURNING clock_timestamp() AS now`,
        [router],
      );
      if (set === undefined) throw routerUnknown(router);
      const before = await rulesOf(sql, router);
      if (ifTag !== '' && ifTag !== policiesTag(before)) throw otherPolicies();
      await replaceRules(sql, router, rules);
      const judgedAnew = await sql.execute(
        `UPDATE drift_items SET contested = false, repairing = false, offer = '', note = ''
         WHERE router = $1 AND state = 'open' AND (contested OR repairing OR offer <> '' OR note <> '')`,
        [router],
      );
      const after = await rulesOf(sql, router);
      if (judgedAnew > 0 || policiesTag(before) !== policiesTag(after)) {
        send(auditMessage(author, auditedPolicies(router, new Date(set.now), judgedAnew, { before, after })));
      }
      return toBinary(SetDriftPoliciesResponseSchema, policiesMessage(after));
    };
    const { answer, replayed } = await this.#outbox.transaction((sql, send) =>
      answeredOnce(sql, key, () => changed(sql, send)),
    );
    return { ...fromBinary(SetDriftPoliciesResponseSchema, answer), replayed };
  }
}

/** Policies in the words of the bus. */
export const policiesMessage = (rules: readonly DriftRule[]): SetDriftPoliciesResponse =>
  create(SetDriftPoliciesResponseSchema, {
    rules: rules.map(({ path, policy }) => ({ path: [...path], policy: policyOnWire[policy] })),
    tag: policiesTag(rules),
  });

/** `judgedAnew`: how many differences were contested, offered or on their way to be undone. */
function auditedPolicies(
  router: string,
  at: Date,
  judgedAnew: number,
  { before, after }: Readonly<Record<'before' | 'after', readonly DriftRule[]>>,
): AuditedChange {
  const shown = (rules: readonly DriftRule[]) => ({
    policies: rules.map(({ path, policy }) => ({ path: path.join(' '), policy })),
  });
  const resource = { id: router, name: router };
  const details = { items_judged_anew: judgedAnew };
  return { action: 'drift_policy.changed', resource, at, before: shown(before), after: shown(after), details };
}

const otherPolicies = () =>
  new DomainError('precondition_failed', 'VERSION_MISMATCH', 'The policies are others now: read them again.');

async function rulesOf(sql: Sql, router: string): Promise<readonly DriftRule[]> {
  const rows = await sql.query<{ path: string | null; policy: DriftPolicy }>(
    `SELECT rules.path, rules.policy FROM routers LEFT JOIN drift_policies AS rules ON rules.router = routers.name
     WHERE routers.name = $1 AND routers.removed_at IS NULL ORDER BY rules.path COLLATE "C"`,
    [router],
  );
  if (rows.length === 0) throw routerUnknown(router);
  return rows.flatMap(({ path, policy }) =>
    path === null ? [] : [{ path: path === '' ? [] : pathOfKey(path), policy }],
  );
}

async function replaceRules(sql: Sql, router: string, rules: readonly DriftRule[]): Promise<void> {
  await sql.execute('DELETE FROM drift_policies WHERE router = $1', [router]);
  await sql.execute(
    `INSERT INTO drift_policies (router, path, policy)
     SELECT $1, path, policy FROM unnest($2::text[], $3::text[]) AS rule (path, policy)`,
    [router, rules.map(({ path }) => keyOfPath(path)), rules.map(({ policy }) => policy)],
  );
}

function reportOf(row: ReportRow): Report {
  const rest = {
    router: row.name,
    routerState: stateOnWire[row.state],
    unsavedCommits: BigInt(row.unsaved),
    underWay: row.under_way,
  };
  if (row.number === null) return rest;
  return {
    ...rest,
    number: BigInt(row.number),
    lookedAt: timestampFromMs(row.looked_ms),
    ageMs: BigInt(Math.max(0, row.age_ms)),
    costMs: row.cost_ms,
    added: row.added,
    deleted: row.deleted,
    updated: row.updated,
    noChange: row.no_change,
    openItems: row.open,
    repairing: row.repairing,
    ...(row.foreign_changes === null ? {} : { foreignChanges: foreignOf(row.foreign_changes) }),
  };
}

const foreignOf = ({ after, seenAt, changes, ...counts }: ForeignRow) => ({
  ...counts,
  after: timestampFromDate(new Date(after)),
  seenAt: timestampFromDate(new Date(seenAt)),
  changes: changes.map(({ path, kind }) => ({ path: [...path], kind: kindOnWire[kind] })),
});
