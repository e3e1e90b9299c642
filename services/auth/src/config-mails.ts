import type { EnvReader } from '@berth/service-kit';
import { type Sender, senderOf } from './adapters/mail/compose.ts';
import { type SmtpServer, smtpServerOf } from './adapters/mail/smtp-transport.ts';
import type { MailPatience } from './app/mails/send-mails.ts';

/** How mails leave: to a server, or else into a folder. */
export interface MailConfig {
  readonly smtp: SmtpServer | undefined;
  readonly folder: string | undefined;
  readonly from: Sender;
  /** For tests that cannot wait as long as people do. */
  readonly patience?: MailPatience;
  readonly sweepEveryMs?: number;
}

const usualSender: Sender = { name: 'Berth', address: 'berth@localhost' };

/** Reads BERTH_SMTP_URL with BERTH_MAIL_FROM, or BERTH_MAIL_FOLDER; undefined when there is neither. */
export function readMailConfig(read: EnvReader): MailConfig | undefined {
  const url = read.optionalText('BERTH_SMTP_URL');
  const folder = read.optionalText('BERTH_MAIL_FOLDER');
  const given = read.optionalText('BERTH_MAIL_FROM');
  const from = given === undefined ? usualSender : senderOf(given);
  if (from === undefined)
    read.reject('BERTH_MAIL_FROM must be an address, or a name with one: Berth <berth@example.org>');
  if (url !== undefined && given === undefined) read.reject('BERTH_MAIL_FROM must be set beside BERTH_SMTP_URL');
  if (url === undefined && folder === undefined) return undefined;
  return { smtp: url === undefined ? undefined : serverOf(read, url), folder, from: from ?? usualSender };
}

function serverOf(read: EnvReader, url: string): SmtpServer | undefined {
  try {
    return smtpServerOf(url);
  } catch (error) {
    read.reject(`BERTH_SMTP_URL ${error instanceof Error ? error.message : 'is wrong'}`);
    return undefined;
  }
}
