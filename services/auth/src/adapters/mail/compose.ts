import type { SendMailOptions } from 'nodemailer';
import { MailRefused, type WrittenMail } from '../../app/mails/mail-outbox.ts';

/** One address and nothing else: no list, no comment, no line break, nothing that could become a header. */
const oneAddress = /^[^\s<>(),;:"\\@[\]\p{Cc}]{1,64}@[\p{L}\p{N}.-]{1,253}$/u;

/** From whom mails come: an address, with a name for people. */
export interface Sender {
  readonly name: string;
  readonly address: string;
}

/** Reads `Berth <berth@example.org>` or an address alone; undefined: it is neither. */
export function senderOf(text: string): Sender | undefined {
  const [, name = '', inBrackets] = /^([^<>\r\n]*)<([^<>\s]+)>$/.exec(text.trim()) ?? [];
  const address = inBrackets ?? text.trim();
  return oneAddress.test(address) ? { name: inBrackets === undefined ? 'Berth' : name.trim(), address } : undefined;
}

/** A mail as nodemailer takes it. A repeat is the same to the byte but for its boundaries, so that its Message-ID tells what it is. */
export function compose(mail: WrittenMail, from: Sender): SendMailOptions {
  if (!oneAddress.test(mail.to)) throw new MailRefused('The address is not one that mails can be sent to.');
  const to = { name: '', address: mail.to };
  return {
    from: { ...from },
    to,
    envelope: { from: from.address, to: [mail.to] },
    messageId: `<${mail.id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
    date: mail.createdAt,
    subject: mail.subject,
    text: mail.text,
    html: mail.html,
    textEncoding: 'quoted-printable',
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}
