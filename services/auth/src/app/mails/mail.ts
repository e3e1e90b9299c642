/** The mails that Berth writes. */
export const mailTemplates = [
  'verify-email', // values: name, token, hours
  'already-registered', // name: somebody tried to register with this address again
  'invitation', // name (of who invites), user (whom, where that is known), token, hours
  'confirm-new-email', // name, token, hours: to the new address
  'email-changed', // name, new_email: to the old address
  'reset-password', // name, token, minutes
  'password-changed', // name, at, from
  'profile-changed', // name, fields
  'account-deleted', // name
  'banned', // name, until (empty: for ever), reason
  'unbanned', // name
  'new-sign-in', // name, at, from, device
  'tokens-reused', // name, at, from: a refresh token was used twice, so that session ended
  'test', // at
  'admin-notice', // topic, text
] as const;
export type MailTemplate = (typeof mailTemplates)[number];

/** A mail that is sent after the transaction has committed. Its values may hold secrets; they are stored encrypted until it is sent. */
export interface NewMail {
  readonly template: MailTemplate;
  readonly to: string;
  readonly userId?: string | undefined;
  readonly values: Readonly<Record<string, string>>;
}
