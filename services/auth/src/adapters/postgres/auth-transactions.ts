import { AccessChangedSchema, streams, subjects } from '@berth/contracts';
import type { EntityManager, Sql } from '@berth/database';
import { eventMessage, type Outbox, type OutgoingMessage } from '@berth/messaging';
import type { Vault } from '@berth/vault';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Asker } from '../../app/asker.ts';
import type { AccessEvent, AuthTransaction, AuthTransactions, NewAuditEntry } from '../../app/auth-transaction.ts';
import type { NewMail } from '../../app/mails/mail.ts';
import type { TokenKeyring } from '../crypto/token-keyring.ts';
import { type ToldFact, writeFacts } from './access/fact-rows.ts';
import { untilTokensEnd } from './access/user-fact-ends.ts';
import { accountRows } from './accounts/account-rows.ts';
import { writeAudit } from './audit/audit-rows.ts';
import { clockOf } from './clock.ts';
import { identityProviderStore } from './identities/identity-provider-store.ts';
import { identityRows } from './identities/identity-rows.ts';
import { apiKeyRows } from './keys/api-key-rows.ts';
import { limitRows } from './limits/limit-rows.ts';
import { mailChanges } from './mails/mail-outbox-rows.ts';
import { writeMails } from './mails/mail-rows.ts';
import { mailsAbout, type Notice, noticeOf } from './mails/subscription-rows.ts';
import { sessionRows } from './sessions/session-rows.ts';
import { signingKeyRows } from './sessions/signing-key-rows.ts';
import { banStore } from './users/ban-store.ts';
import { groupStore } from './users/group-store.ts';
import { invitationStore } from './users/invitation-store.ts';
import { userRows } from './users/user-rows.ts';

/** What is told after the commit: that there are new facts, that mails wait, and that the audit log has new entries. */
export interface AfterCommit {
  readonly audited: () => void;
  readonly factsChanged: () => void;
  readonly mailsWait: () => void;
}

/** A transaction with its statements at hand, for adapters. */
export type OpenTransaction = AuthTransaction & { readonly sql: Sql };

/** Transactions over auth's schema. */
export class PostgresAuthTransactions implements AuthTransactions {
  readonly #deps: { outbox: Pick<Outbox, 'entityTransaction'>; vault: Vault; keyring: TokenKeyring } & AfterCommit;

  constructor(deps: { outbox: Pick<Outbox, 'entityTransaction'>; vault: Vault; keyring: TokenKeyring } & AfterCommit) {
    this.#deps = deps;
  }

  async run<T>(asker: Asker, work: (transaction: OpenTransaction) => Promise<T>): Promise<T> {
    let facts: ToldFact[] = [];
    let mails: NewMail[] = [];
    let entries: NewAuditEntry[] = [];
    const result = await this.#deps.outbox.entityTransaction(async (entities, sql, send) => {
      facts = [];
      mails = [];
      entries = [];
      const notices: Notice[] = [];
      const now = await clockOf(sql);
      const outcome = await work({
        ...this.#storesIn(entities, sql, now),
        currentTime: () => clockOf(sql),
        alone: (what) => lock(sql, what),
        alongside: (what) => lock(sql, what, '_shared'),
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
      await writeFacts(sql, await untilTokensEnd(sql, facts));
      return outcome;
    });
    if (facts.length > 0) this.#deps.factsChanged();
    if (mails.length > 0) this.#deps.mailsWait();
    if (entries.length > 0) this.#deps.audited();
    return result;
  }

  #storesIn(entities: EntityManager, sql: Sql, now: Date) {
    const { vault, keyring } = this.#deps;
    return {
      ...{ now, sql, users: userRows(sql), groups: groupStore(entities, sql), apiKeys: apiKeyRows(sql) },
      ...{ sessions: sessionRows(sql), signer: keyring.signerFor(sql, now), signingKeys: signingKeyRows(sql, vault) },
      ...{ accounts: accountRows(sql), identities: identityRows(sql, vault) },
      ...{ identityProviders: identityProviderStore(entities, sql, vault), bans: banStore(entities, sql) },
      ...{ invitations: invitationStore(entities, sql) },
      ...{ limits: limitRows(sql), mails: mailChanges(sql) },
    };
  }
}

const lock = async (sql: Sql, what: string, kind: '' | '_shared' = ''): Promise<void> => {
  await sql.query(`SELECT pg_advisory_xact_lock${kind}(hashtextextended($1 || ':' || current_schema(), 0))`, [what]);
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
