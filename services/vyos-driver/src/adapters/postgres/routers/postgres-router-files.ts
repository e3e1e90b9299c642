import type { AuditAuthor } from '@berth/contracts';
import type { Database } from '@berth/database';
import { auditMessage, type Outbox } from '@berth/messaging';
import { fileExists, type RouterFile } from '../../../domain/routers/router-file.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';

interface FileRow {
  readonly name: string;
  readonly request_id: string;
  readonly state: RouterFile['state'];
  /** Moments come as text from raw statements. */
  readonly asked_at: string;
  readonly asked_by: string;
  readonly saved_at: string | null;
  readonly commit_number: string | null;
  readonly message: string;
}

const mostListed = 500;

const toFile = (row: FileRow): RouterFile => ({
  name: row.name,
  state: row.state,
  askedAt: new Date(row.asked_at),
  askedBy: row.asked_by,
  savedAt: row.saved_at === null ? undefined : new Date(row.saved_at),
  commitNumber: row.commit_number === null ? undefined : BigInt(row.commit_number),
  message: row.message,
});

/** Files as any replica knows them, and may ask for them. */
export class PostgresRouterFiles {
  readonly #database: Database;
  readonly #outbox: Outbox;

  constructor({ database, outbox }: { readonly database: Database; readonly outbox: Outbox }) {
    this.#database = database;
    this.#outbox = outbox;
  }

  /** Asks the router's worker for a file, once for each request. One of that name that failed is tried again; any other of that name is refused. */
  async ask(
    router: string,
    { name, requestId, author }: { readonly name: string; readonly requestId: string; readonly author: AuditAuthor },
  ): Promise<void> {
    await this.#assertManaged(router);
    await this.#outbox.transaction(async (sql, send) => {
      const [asked] = await sql.query<{ asked_at: string }>(
        `INSERT INTO router_files (router, name, request_id, state, asked_at, asked_by)
         VALUES ($1, $2, $3, 'asked', clock_timestamp(), $4)
         ON CONFLICT (router, name) DO UPDATE SET request_id = excluded.request_id, state = 'asked', asked_at = excluded.asked_at,
           asked_by = excluded.asked_by, message = '' WHERE router_files.state = 'failed' AND router_files.request_id <> excluded.request_id
         RETURNING asked_at`,
        [router, name, requestId, author.principal.name],
      );
      if (asked === undefined) return;
      const at = new Date(asked.asked_at);
      const resource = { id: `${router}/${name}`, name };
      send(auditMessage(author, { action: 'router_file.requested', resource, at, after: { router, name } }));
    });
    const [row] = await this.#rows(router, name);
    if (row?.request_id !== requestId) throw fileExists(name);
  }

  async find(router: string, name: string): Promise<RouterFile | undefined> {
    const [row] = await this.#rows(router, name);
    return row && toFile(row);
  }

  /** The newest first. */
  async list(router: string): Promise<readonly RouterFile[]> {
    await this.#assertManaged(router);
    const rows = await this.#database.query<FileRow>(
      'SELECT * FROM router_files WHERE router = $1 ORDER BY asked_at DESC, name LIMIT $2',
      [router, mostListed],
    );
    return rows.map(toFile);
  }

  #rows(router: string, name: string): Promise<FileRow[]> {
    return this.#database.query<FileRow>('SELECT * FROM router_files WHERE router = $1 AND name = $2', [router, name]);
  }

  async #assertManaged(router: string): Promise<void> {
    const known = await this.#database.query('SELECT FROM routers WHERE name = $1', [router]);
    if (known.length === 0) throw routerUnknown(router);
  }
}
