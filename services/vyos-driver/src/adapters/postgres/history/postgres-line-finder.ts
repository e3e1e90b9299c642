import type { Database } from '@berth/database';
import {
  type KnownLine,
  keysAround,
  type LineFinder,
  type LineOrigin,
  type LineQuestion,
} from '../../../app/history/explain-lines.ts';
import type { Fragment } from '../../../domain/changes/fragment.ts';
import type { Cause } from '../../../domain/changes/verdict.ts';
import type { EntryKind } from '../../../domain/history/history-entry.ts';
import type { ConfigNode } from '../../../domain/normal-tree.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';
import type { StoredOrigin } from './config-line-rows.ts';

interface LineRow {
  readonly path: string;
  readonly resource_id: string;
  readonly content: ConfigNode | null;
  readonly put: Omit<StoredOrigin, 'kind'> & { readonly kind: EntryKind };
  readonly changed: LineRow['put'];
  readonly rule_number: number | null;
  readonly mapping_name: string | null;
  readonly owner_group: string | null;
  readonly applied: Fragment | null;
  /** Of the change that is applied, when it is the newest; null otherwise. */
  readonly causes: readonly Cause[] | null;
}

const mostLines = 100;

/** Lines in `config_lines`, each question by an index of its own. */
export class PostgresLineFinder implements LineFinder {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async find(...[router, question, groups]: Parameters<LineFinder['find']>): ReturnType<LineFinder['find']> {
    const { conditions, values } = conditionsOf(question, [router]);
    if (groups !== 'all') conditions.push(`resources.owner_group = ANY($${values.push(groups)}::text[])`);
    const [[known], rows] = await Promise.all([
      this.#database.query<{ version: string; looked_at: string | null }>(
        'SELECT version, inventory_read_at AS looked_at FROM routers WHERE name = $1',
        [router],
      ),
      this.#database.query<LineRow>(
        `SELECT line.path, line.resource_id, line.content, line.put, line.changed, line.rule_number, line.mapping_name,
           resources.owner_group, resources.applied,
           CASE WHEN (wanted_incarnation, wanted_number) = (applied_incarnation, applied_number) THEN resources.causes END AS causes
         FROM config_lines AS line LEFT JOIN resources ON resources.router = line.router AND resources.resource_id = line.resource_id
         WHERE line.router = $1 AND ${conditions.join(' AND ')} ORDER BY line.path LIMIT ${mostLines}`,
        values,
      ),
    ]);
    if (known === undefined) throw routerUnknown(router);
    const lookedAt = known.looked_at === null ? undefined : new Date(known.looked_at);
    return { lines: rows.map(toLine), version: known.version, lookedAt };
  }
}

/** The conditions as SQL, with the values that they name. */
function conditionsOf(question: LineQuestion, values: unknown[]): { conditions: string[]; values: unknown[] } {
  const conditions: string[] = [];
  const add = (condition: (parameter: string) => string, value: unknown) => {
    if (value !== undefined) conditions.push(condition(`$${values.push(value)}`));
  };
  if (question.path !== undefined) {
    const { within, from, to } = keysAround(question.path);
    const [inside, first, end] = [within, from, to].map((value) => `$${values.push(value)}`);
    conditions.push(`(line.path = ANY(${inside}::text[]) OR (line.path >= ${first} AND line.path < ${end}))`);
  }
  add((at) => `line.rule_number = ${at}`, question.ruleNumber);
  add((at) => `line.ports @> ${at}::integer`, question.port);
  add((at) => `(line.protocol = ${at} OR coalesce(line.protocol, '') NOT IN ('tcp', 'udp'))`, question.protocol);
  add((at) => `coalesce(line.external_ip, ${at}) = ${at}`, question.externalIp);
  add((at) => `line.address = ${at}`, question.address);
  add((at) => `lower(line.mapping_name) = lower(${at})`, question.mappingName);
  add((at) => `line.mac_address = ${at}`, question.macAddress);
  return { conditions, values };
}

/** What was there when the history began comes from no entry with causes; its resource may still tell. */
const originOf = ({ id, number, kind, at, causes }: LineRow['put'], ofResource: readonly Cause[]): LineOrigin => ({
  ...{ id, number: BigInt(number), kind, at: new Date(at) },
  causes: kind === 'baseline' ? ofResource : causes,
});

const toLine = (row: LineRow): KnownLine => ({
  key: row.path,
  resourceId: row.resource_id,
  ownerGroup: row.owner_group ?? '',
  content: row.content ?? undefined,
  applied: row.applied ?? undefined,
  put: originOf(row.put, row.causes ?? []),
  changed: originOf(row.changed, row.causes ?? []),
  ruleNumber: row.rule_number ?? 0,
  mappingName: row.mapping_name ?? '',
});
