import type { MailTemplate } from '../../app/mails/mail.ts';

/** A part of a mail: a paragraph, a button with its address, a token to copy, or a table of what and how. */
export type Part =
  | string
  | { readonly button: string; readonly url: string }
  | { readonly token: string; readonly used: string }
  | { readonly facts: readonly (readonly [string, string])[] };

/** What a mail says, before it has a form. */
export interface MailText {
  readonly subject: string;
  readonly parts: readonly Part[];
}

/** Values by name; one that is missing is empty. */
type Values = (name: string) => string;

/** Where the tokens of a mail are used: behind `#`, which browsers send to nobody. */
type Links = (page: string, token: string) => string;

const ignore = 'If this was not you, you need not do anything: nothing changes without the link or the token.';
const notYou =
  'If this was not you, somebody else may know your password: reset it, sign out everywhere, and tell your administrator.';

/** People choose their names: a whole message in one would be sent in ours. */
const longestName = 60;

const greeting = (values: Values): string =>
  values('name') === '' ? 'Hello,' : `Hello ${values('name').slice(0, longestName)},`;

/** For people, who read no milliseconds. */
const moment = (text: string): string =>
  Number.isNaN(Date.parse(text)) ? text : `${momentFormat.format(new Date(text))} UTC`;
const momentFormat = new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeStyle: 'medium', timeZone: 'UTC' });

const lasting = (hours: string): string =>
  Number(hours) > 24 && Number(hours) % 24 === 0 ? `${Number(hours) / 24} days` : `${hours} hours`;

const facts = (...rows: readonly (readonly [string, string])[]): Part => ({
  facts: rows.filter(([, value]) => value !== ''),
});

/** What each mail says. */
export const mailTexts: Record<MailTemplate, (values: Values, link: Links) => MailText> = {
  'verify-email': (values, link) => ({
    subject: 'Confirm your e-mail address',
    parts: [
      greeting(values),
      'An account at Berth was registered with this address. Confirm that it is yours, and you can sign in.',
      { button: 'Confirm this address', url: link('verify', values('token')) },
      { token: values('token'), used: 'POST /v1/auth/verify-email' },
      `This works once, within ${lasting(values('hours'))}. ${ignore}`,
    ],
  }),
  'already-registered': (values, link) => ({
    subject: 'You have an account already',
    parts: [
      greeting(values),
      'Somebody, perhaps you, tried to use this address for an account at Berth. You have one with it already, and nothing about that has changed.',
      'Sign in as usual. If you have forgotten your password, ask for a new one:',
      { button: 'Choose a new password', url: link('forgot-password', '') },
      'If this was not you, you need not do anything.',
    ],
  }),
  invitation: (values, link) => ({
    subject: 'You are invited to Berth',
    parts: [
      values('user') === '' ? 'Hello,' : `Hello ${values('user').slice(0, longestName)},`,
      `${values('name').slice(0, longestName) || 'An administrator'} invites you to Berth, which gives virtual machines their addresses and forwarded ports. Accept the invitation to choose a ${values('user') === '' ? 'name and a password' : 'password; your name there is the one above, unless you choose another'}.`,
      { button: 'Accept the invitation', url: link('invitation', values('token')) },
      { token: values('token'), used: 'POST /v1/auth/accept-invitation' },
      `This works once, within ${lasting(values('hours'))}. If you expected no invitation, you need not do anything.`,
    ],
  }),
  'confirm-new-email': (values, link) => ({
    subject: 'Confirm your new e-mail address',
    parts: [
      greeting(values),
      'This address shall become the one of your account at Berth. Until you confirm it, nothing changes.',
      { button: 'Confirm the new address', url: link('confirm-email', values('token')) },
      { token: values('token'), used: 'POST /v1/auth/confirm-email' },
      `This works once, within ${lasting(values('hours'))}. ${ignore}`,
    ],
  }),
  'email-changed': (values) => ({
    subject: 'Your e-mail address was changed',
    parts: [
      greeting(values),
      'Your account at Berth has another e-mail address now. This is the last mail to the old one.',
      facts(['New address', values('new_email')]),
      notYou,
    ],
  }),
  'reset-password': (values, link) => ({
    subject: 'Choose a new password',
    parts: [
      greeting(values),
      'Somebody, probably you, asked for a new password for your account at Berth.',
      { button: 'Choose a new password', url: link('reset-password', values('token')) },
      { token: values('token'), used: 'POST /v1/auth/reset-password' },
      `This works once, within ${values('minutes')} minutes. Choosing a new password signs you out everywhere. ${ignore}`,
    ],
  }),
  'password-changed': (values) => ({
    subject: 'Your password was changed',
    parts: [
      greeting(values),
      'The password of your account at Berth was changed, and you were signed out everywhere.',
      facts(['When', moment(values('at'))], ['From', values('from')]),
      notYou,
    ],
  }),
  'profile-changed': (values) => ({
    subject: 'Your profile was changed',
    parts: [
      greeting(values),
      'The profile of your account at Berth was changed.',
      facts(['Changed', values('fields')]),
      notYou,
    ],
  }),
  'account-deleted': (values) => ({
    subject: 'Your account was deleted',
    parts: [
      greeting(values),
      'Your account at Berth was deleted, with its sessions and API keys. Virtual machines belong to groups and are still there.',
      'If you did not expect this, tell your administrator.',
    ],
  }),
  banned: (values) => ({
    subject: 'Your account was banned',
    parts: [
      greeting(values),
      'Your account at Berth was banned: you are signed out, and neither you nor your API keys are let in.',
      facts(['Until', moment(values('until')) || 'somebody lifts it'], ['Why', values('reason')]),
      'If you think that this is a mistake, ask your administrator.',
    ],
  }),
  unbanned: (values) => ({
    subject: 'Your ban was lifted',
    parts: [
      greeting(values),
      'Your account at Berth is not banned any more: you can sign in, and your API keys work again.',
    ],
  }),
  'new-sign-in': (values) => ({
    subject: 'New sign-in to your account',
    parts: [
      greeting(values),
      'Somebody signed in to your account at Berth from a place that was not seen before.',
      facts(['When', moment(values('at'))], ['From', values('from')], ['With', values('device')]),
      `If this was you, all is well. ${notYou}`,
    ],
  }),
  'tokens-reused': (values) => ({
    subject: 'A session of yours was ended',
    parts: [
      greeting(values),
      'A token of one of your sessions at Berth was used a second time. That happens when somebody has copied it, so this session was ended for everybody who had it.',
      facts(['When', moment(values('at'))], ['From', values('from')]),
      'Sign in again. If this comes again, change your password and look for programs that share your tokens.',
    ],
  }),
  test: (values) => ({
    subject: 'A test of mails',
    parts: ['Hello,', 'If you can read this, mails arrive.', facts(['Asked for', moment(values('at'))])],
  }),
  'admin-notice': (values) => ({
    subject: `Notice: ${values('topic')}`,
    parts: [
      'Hello,',
      values('text'),
      `You get this because you subscribed to ${values('topic')}. PUT /v1/account/subscriptions changes that.`,
    ],
  }),
};
