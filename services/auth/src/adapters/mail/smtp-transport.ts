import { isIP } from 'node:net';
import { createTransport } from 'nodemailer';
import { MailRefused, type MailTransport } from '../../app/mails/mail-outbox.ts';
import { compose, type Sender } from './compose.ts';

const connectTimeoutMs = 15_000;
const silenceTimeoutMs = 60_000;

/** The server that takes mails, from `smtp://user:password@host:587` or `smtps://…`. */
export interface SmtpServer {
  readonly host: string;
  readonly port: number;
  /** TLS from the first byte; otherwise STARTTLS. */
  readonly secure: boolean;
  /** Mails and password do not leave this machine in the clear. */
  readonly requireTLS: boolean;
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
}

/** Reads such a URL; throws with the reason, which does not hold it. */
export function smtpServerOf(text: string): SmtpServer {
  if (!URL.canParse(text)) throw new Error('must be smtp://user:password@host:587 or smtps://user:password@host');
  const url = new URL(text);
  if (!['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    throw new Error('must begin with smtp:// or smtps:// and name a host');
  if (url.search !== '' || url.hash !== '' || !['', '/'].includes(url.pathname))
    throw new Error('must end with the host and its port');
  const secure = url.protocol === 'smtps:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = decodeURIComponent(url.username);
  return {
    host,
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && !isLoopback(host),
    auth: user === '' ? undefined : { user, pass: decodeURIComponent(url.password) },
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** Sends mails to an SMTP server. */
export function smtpTransport(server: SmtpServer, from: Sender): MailTransport {
  const { auth, ...rest } = server;
  const transport = createTransport({
    ...rest,
    ...(auth && { auth: { ...auth } }),
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    dnsTimeout: connectTimeoutMs,
    socketTimeout: silenceTimeoutMs,
  });
  return {
    description: `SMTP server ${server.host}:${server.port}`,
    async send(mail) {
      try {
        await transport.sendMail(compose(mail, from));
      } catch (error) {
        throw translated(error, server);
      }
    },
  };
}

/** The server refused this recipient or this text for good; refusals of us (sender, password) are worth another try once that is mended. */
function translated(error: unknown, { auth }: SmtpServer): unknown {
  if (!(error instanceof Error) || error instanceof MailRefused) return error;
  const code = Number(Reflect.get(error, 'responseCode') ?? 0);
  const command = String(Reflect.get(error, 'command') ?? '');
  const message = auth === undefined || auth.pass === '' ? error.message : error.message.replaceAll(auth.pass, '…');
  return code >= 500 && (command === 'RCPT TO' || command === 'DATA') ? new MailRefused(message) : new Error(message);
}
