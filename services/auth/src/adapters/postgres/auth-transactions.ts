import { AccessChangedSchema, streams, subjects } from '@berth/contracts';
import type { Sql } from '@berth/database';
import { eventMessage, type Outbox, type OutgoingMessage } from '@berth/messaging';
import type { Vault } from '@berth/vault';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Asker } from '../../app/asker.ts';
import type { AccessEvent, AuthTransaction, AuthTransactions, NewAuditEntry } from '../../app/auth-transaction.ts';
import type { NewMail } from '../../app/mail.ts';
import { apiKeyRows } from './api-key-rows.ts';
import { writeAudit } from './audit-rows.ts';
import { clockOf } from './clock.ts';
import { type ToldFact, writeFacts } from './fact-rows.ts';
import { groupRows } from './group-rows.ts';
import { mailChanges } from './mail-outbox-rows.ts';
import { writeMails } from './mail-rows.ts';
import { mailsAbout, type Notice, noticeOf } from './subscription-rows.ts';
import { userRows } from './user-rows.ts';

/** What is told after the commit: that there are new facts, and that mails wait. */
export interface AfterCommit {
  readonly factsChanged: () => void;
  readonly mailsWait: () => void;
}

/** A transaction with its statements at hand, for adapters. */
export type OpenTransaction = AuthTransaction & { readonly sql: Sql };

/** Transactions over auth's schema. */
export class PostgresAuthTransactions implements AuthTransactions {
  readonly #deps: { outbox: Outbox; vault: Vault } & AfterCommit;

  constructor(deps: { outbox: Outbox; vault: Vault } & AfterCommit) {
    this.#deps = deps;
  }

  async run<T>(asker: Asker, work: (transaction: OpenTransaction) => Promise<T>): Promise<T> {
    let facts: ToldFact[] = [];
    let mails: NewMail[] = [];
    const result = await this.#deps.outbox.transaction(async (sql, send) => {
      facts = [];
      mails = [];
      const entries: NewAuditEntry[] = [];
      const notices: Notice[] = [];
      const now = await clockOf(sql);
      const outcome = await work({
        ...{
          now,
          sql,
          users: userRows(sql),
          groups: groupRows(sql),
          apiKeys: apiKeyRows(sql),
          mails: mailChanges(sql),
        },
        currentTime: () => clockOf(sql),
        alone: (what) => lock(sql, what),
        tell: (fact, until) => void facts.push({ fact, until }),
        mail: (mail) => void mails.push(mail),
        audit: (entry) => void entries.push(entry),
        publish(event) {
          send(publicEvent(event, asker, now));
          notices.push(...[noticeOf(event, asker.principal?.name ?? '', now)].filter((notice) => notice !== undefined));
        },
      });
      mails.push(...(await mailsAbout(sql, notices)));
      await writeMails(sql, this.#deps.vault, mails);
      await writeAudit(sql, asker, now, entries);
      await writeFacts(sql, facts);
      return outcome;
    });
    if (facts.length > 0) this.#deps.factsChanged();
    if (mails.length > 0) this.#deps.mailsWait();
    return result;
  }
}

const lock = async (sql: Sql, what: string): Promise<void> => {
  await sql.query("SELECT pg_advisory_xact_lock(hashtextextended($1 || ':' || current_schema(), 0))", [what]);
};

const publicEvent = ({ what, subject, userId, reason }: AccessEvent, asker: Asker, at: Date): OutgoingMessage =>
  eventMessage(
    {
      stream: streams.events,
      subject: subjects.accessChanged(what, subject.id),
      type: `berth.access.${what}`,
      source: 'berth/auth',
      about: `${subject.type}/${subject.id}`,
    },
    AccessChangedSchema,
    {
      ...{ subjectType: subject.type, subjectId: subject.id, userId: userId ?? '', reason: reason ?? '' },
      ...{ by: asker.principal?.id ?? '', at: timestampFromDate(at) },
    },
  );
