import type { MailTemplate } from '../../app/mails/mail.ts';
import type { ClaimedMail, WrittenMail } from '../../app/mails/mail-outbox.ts';
import { type MailText, mailTexts, type Part } from './templates.ts';

const longestValue = 2_000;
/** Line breaks, and what makes text look as if it stood elsewhere. */
const controlCharacters = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/** Writes a mail as text and HTML. Values may be hostile: they stay on one line, and are text in the HTML. `publicUrl` has no slash at its end. */
export function writeMail({ id, template, to, values, createdAt }: ClaimedMail, publicUrl: string): WrittenMail {
  const value = (name: string): string =>
    (values[name] ?? '').replaceAll(controlCharacters, ' ').slice(0, longestValue);
  const link = (page: string, token: string): string =>
    `${publicUrl}/#${page}${token === '' ? '' : `?token=${encodeURIComponent(token)}`}`;
  const mail = textOf(template)(value, link);
  return { id, to, createdAt, subject: mail.subject, text: asText(mail, publicUrl), html: asHtml(mail, publicUrl) };
}

const textOf = (template: MailTemplate) => {
  const text = mailTexts[template];
  if (text === undefined) throw new Error(`This version knows no mail ${template}.`); // a newer replica wrote it
  return text;
};

const footer = (publicUrl: string): string => `Sent by Berth at ${publicUrl}. Nobody reads answers to this mail.`;

const asText = ({ parts }: MailText, publicUrl: string): string =>
  [...parts.map(partAsText), `-- \n${footer(publicUrl)}`].join('\n\n').concat('\n');

function partAsText(part: Part): string {
  if (typeof part === 'string') return part;
  if ('button' in part) return `${part.button}:\n${part.url}`;
  if ('token' in part) return `For API users (${part.used}), the token:\n${part.token}`;
  return part.facts.map(([name, value]) => `${name}: ${value}`).join('\n');
}

const asHtml = ({ subject, parts }: MailText, publicUrl: string): string => `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(subject)}</title></head>
<body style="margin:0;background:#f3f4f6;font-family:system-ui,Arial,sans-serif;color:#111827">
<div style="max-width:560px;margin:24px auto;padding:24px;background:#ffffff;border-radius:8px;line-height:1.5">
<h1 style="margin:0 0 16px;font-size:20px">${escaped(subject)}</h1>
${parts.map(partAsHtml).join('\n')}
<p style="margin:24px 0 0;font-size:12px;color:#6b7280">${escaped(footer(publicUrl))}</p>
</div>
</body>
</html>
`;

function partAsHtml(part: Part): string {
  if (typeof part === 'string') return `<p>${escaped(part)}</p>`;
  if ('button' in part) {
    const style =
      'display:inline-block;padding:10px 18px;border-radius:6px;background:#1d4ed8;color:#ffffff;text-decoration:none';
    return `<p><a href="${escaped(part.url)}" style="${style}">${escaped(part.button)}</a></p>`;
  }
  if ('token' in part) {
    return `<p style="font-size:13px;color:#4b5563">For API users (${escaped(part.used)}), the token:<br><code style="word-break:break-all">${escaped(part.token)}</code></p>`;
  }
  const rows = part.facts.map(
    ([name, value]) =>
      `<tr><td style="padding:2px 16px 2px 0;color:#4b5563">${escaped(name)}</td><td>${escaped(value)}</td></tr>`,
  );
  return `<table>${rows.join('')}</table>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
