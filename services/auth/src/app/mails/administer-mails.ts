import { type Permitted, permitsEverywhere, requireEverywhere } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type NoticeTopic, noticeTopics } from '../../domain/mails/notice-topics.ts';
import type { AuthTransaction } from '../auth-transaction.ts';
import { pageTokenInvalid } from '../page-token.ts';
import type { MailOutbox, MailState, MailView } from './mail-outbox.ts';

const usualPageSize = 100;
const largestPageSize = 500;

/** Mails without what they say, the newest first. */
export async function listMails(
  { outbox }: { outbox: MailOutbox },
  { state, size, token }: { state: string; size: number; token: string },
): Promise<{ mails: readonly MailView[]; nextToken: string }> {
  const most = Math.min(size === 0 ? usualPageSize : size, largestPageSize);
  if (token !== '' && !/^\d{1,18}$/.test(token)) throw pageTokenInvalid();
  const found = await outbox.page(stateOf(state), token === '' ? undefined : BigInt(token), most + 1);
  const mails = found.slice(0, most);
  return { mails, nextToken: found.length > most ? String(mails.at(-1)?.seq) : '' };
}

/** Makes a mail due at once. Throws `not_found` MAIL_NOT_FOUND, `conflict` MAIL_ENDED when what it said is not kept any more. */
export async function retryMail({ mails, audit }: AuthTransaction, id: string): Promise<MailView> {
  const mail = await mails.retry(id);
  if (mail === undefined) throw new DomainError('not_found', 'MAIL_NOT_FOUND', 'There is no such mail.');
  if (mail === 'gone') {
    throw new DomainError('conflict', 'MAIL_ENDED', 'This mail has ended, and what it said is not kept any more.');
  }
  audit({ action: 'mail.retried', resource: { id }, details: { template: mail.template } });
  return mail;
}

/** Sends a mail that shows whether mails arrive. */
export function sendTestMail({ mail, audit, now }: AuthTransaction, recipient: string): void {
  if (!/^[^\s@<>,;]+@[^\s@<>,;]+$/.test(recipient)) throw invalidMail('to', 'is no e-mail address');
  mail({ template: 'test', to: recipient, values: { at: now.toISOString() } });
  audit({ action: 'mail.tested', resource: { id: '', name: recipient } });
}

/** Those that this user may hear of. */
export const availableTopics = (user: Permitted): readonly NoticeTopic[] =>
  noticeTopics.filter(({ verb }) => permitsEverywhere(user, verb));

/** Replaces what a user wants to hear of. Throws `forbidden` for what he must not hear, `unprocessable` TOPIC_UNKNOWN. */
export async function changeSubscriptions(
  { mails }: AuthTransaction,
  user: Permitted & { readonly userId: string },
  topics: readonly string[],
): Promise<readonly string[]> {
  for (const name of topics) {
    const topic = noticeTopics.find((one) => one.name === name);
    if (topic === undefined) {
      throw new DomainError('unprocessable', 'TOPIC_UNKNOWN', `There is no topic ${name.slice(0, 50)}.`);
    }
    requireEverywhere(user, topic.verb);
  }
  const wanted = [...new Set(topics)].sort();
  await mails.subscribe(user.userId, wanted);
  return wanted;
}

function stateOf(text: string): MailState | undefined {
  if (text === '') return undefined;
  if (text === 'waiting' || text === 'sent' || text === 'failed') return text;
  throw invalidMail('state', 'must be waiting, sent or failed');
}

const invalidMail = (field: string, message: string): DomainError =>
  new DomainError('unprocessable', 'MAIL_INPUT_INVALID', `${field} ${message}.`, { fields: [{ field, message }] });
