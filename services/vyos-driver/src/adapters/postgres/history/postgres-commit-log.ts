import type { CommitResourceSchema, CommitSchema } from '@berth/contracts';
import type { Database } from '@berth/database';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Fragment } from '../../../domain/changes/fragment.ts';
import type { Cause } from '../../../domain/changes/verdict.ts';
import type { EntryKind, EntryState } from '../../../domain/history/history-entry.ts';
import { type CommitRow, commitColumns, commitOfRow, kindOnWire } from './commit-message.ts';

/** Which entries; what is absent does not matter. */
export interface CommitFilter {
  readonly since?: Date;
  readonly until?: Date;
  readonly resourceId?: string;
  readonly states: readonly EntryState[];
  readonly kinds: readonly EntryKind[];
  /** Id or name. */
  readonly principal?: string;
}

/** What a resource was. */
export interface FragmentRow {
  readonly resource_id: string;
  readonly fragment: Fragment;
  readonly owner_group: string;
}

const mostResources = 2_000;

/** The entries of routers' histories, and what resources were after them. */
export class PostgresCommitLog {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** At most `limit`, newest first, those before `before`; undefined: from the newest. */
  async list(
    router: string,
    filter: CommitFilter,
    { limit, before }: { readonly limit: number; readonly before: bigint | undefined },
  ): Promise<MessageInitShape<typeof CommitSchema>[]> {
    const rows = await this.#database.query<CommitRow>(
      `SELECT ${commitColumns} FROM history_commits AS entry
       WHERE router = $1 AND ($2::bigint IS NULL OR number < $2) AND ($3::timestamptz IS NULL OR ended_at >= $3)
         AND ($4::timestamptz IS NULL OR ended_at < $4) AND (cardinality($5::text[]) = 0 OR state = ANY($5))
         AND (cardinality($6::text[]) = 0 OR kind = ANY($6)) AND ($7::text IS NULL OR $7 = ANY(principal_ids) OR $7 = ANY(principals))
         AND ($8::text IS NULL OR number IN (SELECT number FROM history_resources WHERE router = $1 AND resource_id = $8))
       ORDER BY number DESC LIMIT $9`,
      [
        router,
        before ?? null,
        filter.since ?? null,
        filter.until ?? null,
        filter.states,
        filter.kinds,
        filter.principal ?? null,
        filter.resourceId ?? null,
        limit,
      ],
    );
    return rows.map(commitOfRow);
  }

  /** Undefined when it is not kept. */
  async get(router: string, number: bigint): Promise<MessageInitShape<typeof CommitSchema> | undefined> {
    const [row] = await this.#database.query<CommitRow>(
      `SELECT ${commitColumns} FROM history_commits WHERE router = $1 AND number = $2`,
      [router, number],
    );
    return row && commitOfRow(row);
  }

  async resourcesOf(router: string, number: bigint): Promise<MessageInitShape<typeof CommitResourceSchema>[]> {
    const rows = await this.#database.query<{
      resource_id: string;
      purpose: 'change' | 'repair' | 'way_back' | 'drift';
      because_of: string | null;
      causes: readonly Cause[] | null;
    }>(
      `SELECT part.resource_id, part.purpose, part.because_of, coalesce(change.causes, resources.causes) AS causes
       FROM history_resources AS part
       JOIN history_commits AS entry USING (router, number)
       LEFT JOIN batch_changes AS change ON change.batch_id = entry.id AND change.resource_id = part.resource_id
       LEFT JOIN resources ON entry.operations = 0 AND part.purpose = 'change'
         AND resources.router = part.router AND resources.resource_id = part.resource_id
       WHERE part.router = $1 AND part.number = $2 ORDER BY part.resource_id LIMIT $3`,
      [router, number, mostResources],
    );
    return rows.map(({ resource_id, purpose, because_of, causes }) => ({
      resourceId: resource_id,
      purpose: kindOnWire[purpose],
      becauseOf: BigInt(because_of ?? 0),
      causes: [...(causes ?? [])],
    }));
  }

  /** What every resource was after that entry, by id, from after `after` on. A removed one is absent. */
  fragmentsAfter(
    router: string,
    number: bigint,
    { limit, after }: { readonly limit: number; readonly after: string },
  ): Promise<FragmentRow[]> {
    return this.#database.query<FragmentRow>(
      `SELECT resource_id, fragment, owner_group FROM (
         SELECT DISTINCT ON (resource_id) resource_id, fragment, owner_group FROM fragment_versions
         WHERE router = $1 AND number <= $2 AND resource_id > $3 ORDER BY resource_id, number DESC
       ) AS newest WHERE fragment IS NOT NULL ORDER BY resource_id LIMIT $4`,
      [router, number, after, limit],
    );
  }
}
