import { randomUUID } from 'node:crypto';
import type { Sql } from '@berth/database';
import type { Vault } from '@berth/vault';
import type { NewMail } from '../../../app/mails/mail.ts';
import type { SealedTable } from '../secrets/sealed-table.ts';

/** What mails say that may still be sent. */
export const sealedMails: SealedTable = {
  ...{ table: 'mails', id: { column: 'id', type: 'uuid' }, sealed: 'sealed_values' },
  boundTo: (id) => ['mails', id],
};

/** Puts mails into the outbox: they go out after the commit. What they say is encrypted, for it may hold tokens. */
export async function writeMails(sql: Sql, vault: Vault, mails: readonly NewMail[]): Promise<void> {
  for (const { template, to, userId, values } of mails) {
    const id = randomUUID();
    const { bytes, masterKeyId } = vault.seal(JSON.stringify(values), sealedMails.boundTo(id));
    await sql.execute(
      `INSERT INTO mails (id, template, recipient, user_id, sealed_values, master_key_id, next_attempt_at)
       VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp())`,
      [id, template, to, userId ?? null, bytes, masterKeyId],
    );
  }
}
