import {
  type ClaimedMail,
  type MailOutbox,
  MailRefused,
  type MailTransport,
  type UnreadableMail,
  type WrittenMail,
} from './mail-outbox.ts';

/** When and how often mails are tried. All in milliseconds. */
export interface MailPatience {
  /** After the first failure; twice as long after each further one. */
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
  readonly giveUpAfterMs: number;
}

export const usualPatience: MailPatience = {
  firstPauseMs: 30_000,
  longestPauseMs: 3_600_000,
  giveUpAfterMs: 3 * 86_400_000,
};

export interface SendMailsDeps {
  readonly outbox: MailOutbox;
  readonly transport: MailTransport;
  readonly write: (mail: ClaimedMail) => WrittenMail;
  readonly patience: MailPatience;
  /** Told of each try. */
  readonly onTried: (
    result: 'sent' | 'failed' | 'given up',
    mail: { id: string; template: string },
    reason?: string,
  ) => void;
}

const batchSize = 10;
const longestReason = 300;

/**
 * Sends all mails that are due, each at least once: whoever dies between sending and noting it leaves a mail that is sent again, with the
 * same Message-ID. Throws only when the mails cannot be read.
 */
export async function sendDueMails(deps: SendMailsDeps): Promise<void> {
  for (;;) {
    const mails = await deps.outbox.claim(batchSize);
    await Promise.all(mails.map((mail) => sendOne(deps, mail)));
    if (mails.length < batchSize) return;
  }
}

async function sendOne(deps: SendMailsDeps, mail: ClaimedMail | UnreadableMail): Promise<void> {
  try {
    if ('unreadable' in mail) throw new Error(mail.unreadable);
    await deps.transport.send(deps.write(mail));
  } catch (error) {
    const reason = reasonOf(error, mail);
    const again = error instanceof MailRefused ? undefined : pauseAfter(mail, deps.patience);
    await deps.outbox.failed(mail, reason, again);
    deps.onTried(again === undefined ? 'given up' : 'failed', mail, reason);
    return;
  }
  await deps.outbox.sent(mail);
  deps.onTried('sent', mail);
}

/** How long to wait before the next try; undefined: it has been tried for long enough. */
function pauseAfter(
  { attempts, createdAt }: Pick<ClaimedMail, 'attempts' | 'createdAt'>,
  { firstPauseMs, longestPauseMs, giveUpAfterMs }: MailPatience,
  now = Date.now(),
): number | undefined {
  if (now - createdAt.getTime() >= giveUpAfterMs) return undefined;
  const pause = Math.min(firstPauseMs * 2 ** Math.min(attempts - 1, 30), longestPauseMs);
  return Math.round(pause * (0.8 + Math.random() * 0.4)); // many that failed together need not come back together
}

/** Servers quote what they refuse, so secrets of the mail are taken out. */
function reasonOf(error: unknown, mail: ClaimedMail | UnreadableMail): string {
  const text = error instanceof Error ? error.message : String(error);
  const secrets = 'values' in mail && mail.values['token'] ? [mail.values['token']] : [];
  const clean = secrets.reduce(
    (rest, secret) => rest.replaceAll(secret, '…').replaceAll(encodeURIComponent(secret), '…'),
    text,
  );
  return clean.replaceAll(/\s+/g, ' ').slice(0, longestReason);
}
