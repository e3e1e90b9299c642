import { type MailTokenPurpose, mailTokenMs, newMailToken } from '../../domain/mails/mail-token.ts';
import type { User } from '../../domain/users/user.ts';
import type { MailRequest } from '../accounts/account-store.ts';
import { berthItself } from '../asker.ts';
import type { AuthTransaction, AuthTransactions } from '../auth-transaction.ts';

/** Mails of one kind to one address within an hour. More are asked for in vain, and nobody is told so. */
const mostAnHour = 5;

/**
 * Answers the oldest wish for a mail: here it is decided whether there is an account, after whoever asked has had an answer. False: none
 * waits. The wish ends in the same transaction, so each is answered once, also when replicas do this at once or die.
 */
export const sendAskedMail = (transactions: AuthTransactions): Promise<boolean> =>
  transactions.run(berthItself, async (transaction) => {
    const request = await takenWish(transaction);
    if (request === undefined) return false;
    if (request === 'gone') return true; // to the next one
    const isWithin = (await transaction.accounts.mailRequests.count(request)) <= mostAnHour;
    if (isWithin) await answers[request.kind](transaction, request);
    return true;
  });

/**
 * The next wish, with the word of its address. One of a user goes before those of strangers, who can send many; it is taken after the user was
 * locked, as by those who drop it because the password is another one.
 */
async function takenWish({ accounts, users, alone }: AuthTransaction): Promise<MailRequest | 'gone' | undefined> {
  const { mailRequests } = accounts;
  const own = await mailRequests.oldestOfUser();
  const request = own ?? (await mailRequests.takeOfStranger());
  if (request === undefined) return undefined;
  await alone(`address ${request.email.toLowerCase()}`);
  if (own === undefined) return request;
  await users.byId(own.userId);
  return (await mailRequests.takeOfUser(own.id)) ? own : 'gone';
}

type Answer = (transaction: AuthTransaction, request: MailRequest) => Promise<void>;

const answers: Readonly<Record<MailRequest['kind'], Answer>> = {
  async register(transaction, { email, registrationId }) {
    const user = await transaction.users.byEmail(email);
    if (user) return alreadyRegistered(transaction, user, email);
    await mailVerification(transaction, registrationId ?? '');
  },

  async resend(transaction, { email }) {
    const user = await transaction.users.byEmail(email);
    if (user) return user.emailVerifiedAt === null ? mailToken(transaction, user, 'new-email', email) : undefined;
    const newest = await transaction.accounts.registrations.newestOf(email);
    if (newest === undefined) return;
    await transaction.accounts.registrations.voidTokensOf(email);
    await mailVerification(transaction, newest.id);
  },

  async forgot(transaction, { email }) {
    const user = await transaction.users.byEmail(email);
    // To the address that the account has: two that Postgres takes for one may be two mailboxes.
    if (user) await mailToken(transaction, user, 'reset-password', user.email ?? email);
  },

  async 'new-email'(transaction, { email, userId = '' }) {
    const user = await transaction.users.byId(userId); // locked already
    const holder = await transaction.users.holderOf(email);
    if (holder && holder.id !== userId) return alreadyRegistered(transaction, holder, email);
    if (user) await mailToken(transaction, user, 'new-email', email);
  },
};

async function alreadyRegistered(
  { mail }: AuthTransaction,
  { id, name }: Pick<User, 'id' | 'name'>,
  to: string,
): Promise<void> {
  mail({ template: 'already-registered', to, userId: id, values: { name } });
}

async function mailVerification({ accounts, mail, now }: AuthTransaction, registrationId: string): Promise<void> {
  const registration = await accounts.registrations.byId(registrationId);
  if (registration === undefined) return;
  const token = newMailToken();
  await accounts.registrations.giveToken(registration.id, token.hash, new Date(now.getTime() + mailTokenMs.verify));
  const values = { name: registration.name, token: token.text, hours: String(mailTokenMs.verify / 3_600_000) };
  mail({ template: 'verify-email', to: registration.email, values });
}

const templates = {
  'reset-password': { template: 'reset-password', unit: 'minutes', unitMs: 60_000 },
  'new-email': { template: 'confirm-new-email', unit: 'hours', unitMs: 3_600_000 },
} as const;

/** Mails a new token; older ones for the same purpose end. */
async function mailToken(
  { accounts, mail, now }: AuthTransaction,
  { id, name, email }: User,
  purpose: MailTokenPurpose,
  asked: string,
): Promise<void> {
  const token = newMailToken();
  const lifeMs = mailTokenMs[purpose];
  // As the account has it: case may count before the @, and the asker's need not be right.
  const to = email?.toLowerCase() === asked.toLowerCase() ? email : asked;
  await accounts.mailTokens.removeAllOf(id, purpose);
  await accounts.mailTokens.add({
    ...{ hash: token.hash, purpose, userId: id, email: to, until: new Date(now.getTime() + lifeMs) },
  });
  const { template, unit, unitMs } = templates[purpose];
  mail({ template, to, userId: id, values: { name, token: token.text, [unit]: String(lifeMs / unitMs) } });
}
