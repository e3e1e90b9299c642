import { type MailSchema, MailService, type Principal } from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  availableTopics,
  changeSubscriptions,
  listMails,
  retryMail,
  sendTestMail,
} from '../../../app/mails/administer-mails.ts';
import type { MailOutbox, MailView, ReadSubscriptions } from '../../../app/mails/mail-outbox.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';

interface Deps {
  readonly bus: Bus;
  readonly transactions: PostgresAuthTransactions;
  readonly outbox: MailOutbox;
  readonly subscriptions: ReadSubscriptions;
  /** Somebody made a mail due. */
  readonly mailsWait: () => void;
}

const { method } = MailService;
const access = { verb: 'mails:admin' } as const;

/** Answers MailService. Gives back its stop, which waits for what is in work. */
export function serveMails(deps: Deps): () => Promise<void> {
  const stops = [...administration(deps), ...subscribing(deps)];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const administration = (deps: Deps) => [
  serve(deps.bus, method.listMails, async ({ principal, state, pageSize, pageToken }) => {
    assertAccess(principal, access);
    const { mails, nextToken } = await listMails(deps, { state, size: pageSize, token: pageToken });
    return { mails: mails.map(toMessage), nextPageToken: nextToken };
  }),
  serveCommand(deps, method.retryMail, { access }, async ({ id }, _asker, inTransaction) => {
    const answer = await inTransaction(async (transaction) => ({ mail: toMessage(await retryMail(transaction, id)) }));
    deps.mailsWait();
    return answer;
  }),
  serveCommand(deps, method.sendTestMail, { access }, ({ recipient }, _asker, inTransaction) =>
    inTransaction(async (transaction) => {
      sendTestMail(transaction, recipient);
      return {};
    }),
  ),
];

const subscribing = (deps: Deps) => [
  serve(deps.bus, method.getSubscriptions, async ({ principal }) => {
    const user = userOf(principal);
    return subscriptionsOf(user, await deps.subscriptions(user.userId));
  }),
  serveCommand(deps, method.setSubscriptions, { access: 'user' }, async ({ topics }, { principal }, inTransaction) => {
    const user = userOf(principal);
    return inTransaction(async (transaction) =>
      subscriptionsOf(user, await changeSubscriptions(transaction, user, topics)),
    );
  }),
];

function userOf(principal: Principal | undefined): Principal {
  assertAccess(principal, 'user');
  if (principal === undefined) throw new Error('a user was let in who is none');
  return principal;
}

const subscriptionsOf = (user: Principal, topics: readonly string[]) => ({
  topics: [...topics],
  available: availableTopics(user).map(({ name, description, verb }) => ({ name, description, permission: verb })),
});

const toMessage = (mail: MailView): MessageInitShape<typeof MailSchema> => ({
  ...{ id: mail.id, template: mail.template, recipient: mail.recipient, userId: mail.userId ?? '', state: mail.state },
  ...{ attempts: mail.attempts, lastError: mail.lastError ?? '', createdAt: timestampFromDate(mail.createdAt) },
  ...(mail.state === 'waiting' && { nextAttemptAt: timestampFromDate(mail.nextAttemptAt) }),
  ...(mail.endedAt !== null && { endedAt: timestampFromDate(mail.endedAt) }),
});
