import type { Database } from '@berth/database';
import type { Bus } from '@berth/messaging';
import type { Logger } from '@berth/service-kit';
import type { Vault } from '@berth/vault';
import { Counter, type Registry } from 'prom-client';
import { folderTransport } from './adapters/mail/folder-transport.ts';
import { smtpTransport } from './adapters/mail/smtp-transport.ts';
import { writeMail } from './adapters/mail/write-mail.ts';
import { noticeDrift } from './adapters/nats/access/notice-drift.ts';
import { serveMails } from './adapters/nats/mails/serve-mails.ts';
import { onDemand } from './adapters/on-demand.ts';
import type { PostgresAuthTransactions } from './adapters/postgres/auth-transactions.ts';
import { mailOutbox } from './adapters/postgres/mails/mail-outbox-rows.ts';
import { subscriptionsIn } from './adapters/postgres/mails/subscription-rows.ts';
import { repeatedly } from './adapters/repeatedly.ts';
import type { MailOutbox, MailTransport } from './app/mails/mail-outbox.ts';
import { type SendMailsDeps, sendDueMails, usualPatience } from './app/mails/send-mails.ts';
import type { AuthConfig } from './config.ts';

const sweepEveryMs = 3_000;
const tidyEveryMs = 3_600_000;

interface Deps {
  readonly config: Pick<AuthConfig, 'mail' | 'publicUrl'>;
  readonly database: Database;
  readonly vault: Vault;
  readonly log: Logger;
  readonly metrics: Registry;
}

/** Mails leave from here on. */
export interface MailSending {
  readonly outbox: MailOutbox;
  /** Mails may wait: they are sent now and not at the next sweep. */
  readonly mailsWait: () => void;
  stop(): Promise<void>;
}

/** Starts sending the mails that wait. Where the settings name neither a server nor a folder they wait until some do. */
export function startSendingMails({ config, database, vault, log, metrics }: Deps): MailSending {
  const outbox = mailOutbox(database, vault);
  const transport = transportOf(config.mail);
  if (transport === undefined) {
    log.warn('mails wait: neither BERTH_SMTP_URL nor BERTH_MAIL_FOLDER is set');
    return { outbox, mailsWait: () => {}, stop: async () => {} };
  }
  log.info({ transport: transport.description }, 'mails are sent');
  const write: SendMailsDeps['write'] = (mail) => writeMail(mail, config.publicUrl);
  const deps = {
    outbox,
    transport,
    write,
    patience: config.mail?.patience ?? usualPatience,
    onTried: telling(log, metrics),
  };
  const sweeping = onDemand(config.mail?.sweepEveryMs ?? sweepEveryMs, log, 'sending mails', async () => {
    await sendDueMails(deps);
  });
  const stopTidying = repeatedly(tidyEveryMs, log, 'dropping old mails', () => outbox.tidy());
  return {
    outbox,
    mailsWait: sweeping.wake,
    async stop() {
      await Promise.all([sweeping.stop(), stopTidying()]); // what waits can wait for the next start
    },
  };
}

/** Answers about mails, and writes to those who want to hear of routers. Gives back its stop. */
export function startMailService(deps: {
  bus: Bus;
  database: Database;
  transactions: PostgresAuthTransactions;
  sending: MailSending;
}): () => Promise<void> {
  const { outbox, mailsWait } = deps.sending;
  const stopServing = serveMails({ ...deps, outbox, mailsWait, subscriptions: subscriptionsIn(deps.database) });
  const drift = noticeDrift(deps);
  return async () => {
    await Promise.all([stopServing(), drift.stop()]);
  };
}

function transportOf(mail: AuthConfig['mail']): MailTransport | undefined {
  if (mail?.smtp !== undefined) return smtpTransport(mail.smtp, mail.from);
  return mail?.folder === undefined ? undefined : folderTransport(mail.folder, mail.from);
}

function telling(log: Logger, metrics: Registry): SendMailsDeps['onTried'] {
  const counter = new Counter({
    name: 'berth_auth_mails_total',
    help: 'Mails that were tried, by result',
    labelNames: ['result'],
    registers: [metrics],
  });
  return (result, { id, template }, reason) => {
    counter.inc({ result });
    if (result === 'sent') log.info({ mailId: id, template }, 'mail sent');
    else log.warn({ mailId: id, template, result, reason }, 'mail not sent');
  };
}
