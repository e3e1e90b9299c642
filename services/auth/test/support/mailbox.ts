import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import type { TestScope } from '@berth/testing';
import { SMTPServer } from 'smtp-server';
import type { MailConfig } from '../../src/config-mails.ts';

/** A mail as it arrived. */
export interface Arrived {
  readonly to: readonly string[];
  /** Names in lower case, folded lines joined. */
  readonly headers: ReadonlyMap<string, string>;
  readonly text: string;
  readonly html: string;
}

/** What the server says at a step: nothing lets it pass. */
export type Answer = { readonly code: number; readonly text: string } | 'hang up' | undefined;

/** A real SMTP server, and how replicas of auth reach it. */
export interface Mailbox {
  readonly arrived: readonly Arrived[];
  readonly settings: MailConfig;
  /** All that came over its connections in the clear. */
  heard(): string;
  /** What it says to a recipient, the how manieth time it is asked. */
  onRecipient: (address: string, time: number) => Answer;
  /** What it says when it has a mail, which counts as arrived. */
  onMail: (mail: Arrived, time: number) => Answer;
}

const errorOf = ({ code, text }: { code: number; text: string }) =>
  Object.assign(new Error(text), { responseCode: code });

export async function startMailbox(t: TestScope): Promise<Mailbox> {
  const arrived: Arrived[] = [];
  let asked = 0;
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onRcptTo({ address }, _session, done) {
      const answer = mailbox.onRecipient(address, ++asked);
      if (answer === undefined || answer === 'hang up') done();
      else done(errorOf(answer));
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const to = session.envelope.rcptTo.map(({ address }) => address);
        const mail = { to, ...readMail(Buffer.concat(chunks).toString('latin1')) };
        arrived.push(mail);
        const answer = mailbox.onMail(mail, arrived.length);
        // The server has the mail, and its sender never hears of it.
        if (answer === 'hang up') for (const connection of server.connections) connection.close();
        else if (answer === undefined) done();
        else done(errorOf(answer));
      });
    },
  });
  const heard: Buffer[] = [];
  server.server.on('connection', (socket: Socket) => socket.on('data', (chunk: Buffer) => void heard.push(chunk)));
  server.on('error', () => {}); // a connection that was cut
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  t.after(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const { port } = server.server.address() as AddressInfo; // it listens on TCP
  const mailbox: Mailbox = {
    arrived,
    heard: () => Buffer.concat(heard).toString('latin1'),
    settings: {
      smtp: { host: '127.0.0.1', port, secure: false, requireTLS: false, auth: undefined },
      folder: undefined,
      from: { name: 'Berth', address: 'berth@berth.test' },
      patience: { firstPauseMs: 50, longestPauseMs: 200, giveUpAfterMs: 60_000 },
      sweepEveryMs: 50,
    },
    onRecipient: () => undefined,
    onMail: () => undefined,
  };
  return mailbox;
}

/** A mail of two parts, as nodemailer writes it: quoted-printable, and headers in ASCII. */
export function readMail(raw: string): Omit<Arrived, 'to'> {
  const [head = '', ...rest] = raw.split('\r\n\r\n');
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const boundary = /boundary="?([^";]+)"?/.exec(headers.get('content-type') ?? '')?.[1] ?? '';
  const parts = rest.join('\r\n\r\n').split(`--${boundary}`);
  const partOf = (type: string) => {
    const part = parts.find((one) => one.includes(`Content-Type: ${type}`)) ?? '';
    return decoded(part.slice(part.indexOf('\r\n\r\n') + 4));
  };
  return { headers, text: partOf('text/plain'), html: partOf('text/html') };
}

const decoded = (text: string): string =>
  Buffer.from(
    text
      .replaceAll(/=\r\n/g, '')
      .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString('utf8');
