import type { Database, Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import type { MailTemplate } from '../../../app/mails/mail.ts';
import type {
  ClaimedMail,
  MailChanges,
  MailOutbox,
  MailState,
  MailView,
  UnreadableMail,
} from '../../../app/mails/mail-outbox.ts';
import { sealedMails } from './mail-rows.ts';

interface MailRow {
  readonly id: string;
  readonly seq: string;
  readonly template: MailTemplate;
  readonly recipient: string;
  readonly user_id: string | null;
  readonly sealed_values: Buffer | null;
  readonly master_key_id: string | null;
  readonly state: MailState;
  readonly attempts: number;
  readonly next_attempt_at: string;
  readonly last_error: string | null;
  readonly created_at: string;
  readonly ended_at: string | null;
}

/** For everything that a server may take its time for; whoever dies over a mail keeps it from others for so long. */
const lease = "interval '5 minutes'";
/** For so long somebody may see to a mail that failed, and try it again. */
const failedKept = "interval '1 day'";
const endedKept = "interval '30 days'";

const idShape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

const toView = (row: MailRow): MailView => ({
  id: row.id,
  template: row.template,
  recipient: row.recipient,
  userId: row.user_id,
  state: row.state,
  attempts: row.attempts,
  lastError: row.last_error,
  createdAt: new Date(row.created_at),
  nextAttemptAt: new Date(row.next_attempt_at),
  endedAt: row.ended_at === null ? null : new Date(row.ended_at),
  seq: BigInt(row.seq),
});

/** The mails in auth's schema, as their sender sees them. */
export const mailOutbox = (database: Database, vault: Vault): MailOutbox => ({
  async claim(most) {
    const rows = await database.query<MailRow>(
      `WITH due AS MATERIALIZED (
         SELECT id FROM mails WHERE state = 'waiting' AND next_attempt_at <= clock_timestamp()
         ORDER BY next_attempt_at LIMIT $1 FOR UPDATE SKIP LOCKED
       )
       UPDATE mails m SET attempts = attempts + 1, leased_until = clock_timestamp() + ${lease}, next_attempt_at = clock_timestamp() + ${lease}
       FROM due WHERE m.id = due.id RETURNING m.*`,
      [most],
    );
    return rows.map((row) => opened(row, vault));
  },

  async sent({ id, attempts }) {
    await database.execute(
      `UPDATE mails SET state = 'sent', sealed_values = NULL, master_key_id = NULL, last_error = NULL, leased_until = NULL,
         ended_at = clock_timestamp()
       WHERE id = $1 AND attempts = $2 AND state = 'waiting'`,
      [id, attempts],
    );
  },

  async failed({ id, attempts }, reason, again) {
    await database.execute(
      `UPDATE mails SET last_error = $3, leased_until = NULL, state = CASE WHEN $4::bigint IS NULL THEN 'failed' ELSE 'waiting' END,
         ended_at = CASE WHEN $4::bigint IS NULL THEN clock_timestamp() END,
         next_attempt_at = clock_timestamp() + make_interval(secs => coalesce($4::bigint, 0) / 1000.0)
       WHERE id = $1 AND attempts = $2 AND state = 'waiting'`,
      [id, attempts, reason, again ?? null],
    );
  },

  async byId(id) {
    if (!idShape.test(id)) return undefined;
    const [row] = await database.query<MailRow>('SELECT * FROM mails WHERE id = $1', [id]);
    return row && toView(row);
  },

  async page(state, before, limit) {
    const rows = await database.query<MailRow>(
      `SELECT * FROM mails WHERE ($1::text IS NULL OR state = $1) AND ($2::bigint IS NULL OR seq < $2) ORDER BY seq DESC LIMIT $3`,
      [state ?? null, before ?? null, limit],
    );
    return rows.map(toView);
  },

  async tidy() {
    await database.execute(
      `UPDATE mails SET sealed_values = NULL, master_key_id = NULL
       WHERE state = 'failed' AND sealed_values IS NOT NULL AND ended_at < now() - ${failedKept}`,
    );
    await database.execute(`DELETE FROM mails WHERE ended_at < now() - ${endedKept}`);
  },
});

/** Mails within a transaction. */
export const mailChanges = (sql: Sql): MailChanges => ({
  async retry(id) {
    if (!idShape.test(id)) return undefined;
    const [row] = await sql.query<MailRow>('SELECT * FROM mails WHERE id = $1 FOR UPDATE', [id]);
    if (row === undefined) return undefined;
    if (row.sealed_values === null) return 'gone';
    const [due] = await sql.query<MailRow>(
      `UPDATE mails SET state = 'waiting', ended_at = NULL,
         next_attempt_at = greatest(clock_timestamp(), leased_until)
       WHERE id = $1 RETURNING *`,
      [id],
    );
    return due && toView(due);
  },

  async subscribe(userId, topics) {
    await sql.query('SELECT 1 FROM users WHERE id = $1 FOR UPDATE', [userId]); // who removes the user has it first, too
    await sql.execute('DELETE FROM subscriptions WHERE user_id = $1 AND NOT topic = ANY($2)', [userId, topics]);
    await sql.execute(
      `INSERT INTO subscriptions (user_id, topic) SELECT id, unnest($2::text[]) FROM users WHERE id = $1 ON CONFLICT DO NOTHING`,
      [userId, topics],
    );
  },
});

function opened(row: MailRow, vault: Vault): ClaimedMail | UnreadableMail {
  const { id, template, attempts } = row;
  const mail = { id, template, attempts, createdAt: new Date(row.created_at) };
  try {
    const sealed = { bytes: row.sealed_values ?? Buffer.alloc(0), masterKeyId: row.master_key_id ?? '' };
    return { ...mail, to: row.recipient, values: JSON.parse(vault.open(sealed, sealedMails.boundTo(id))) };
  } catch (error) {
    return { ...mail, unreadable: error instanceof Error ? error.message : String(error) };
  }
}
