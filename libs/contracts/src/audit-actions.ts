/**
 * What is told of each type of thing, in the audit log and in public events: an action is `<type>.<verb>`. Things are `created`, `changed` and
 * `deleted` wherever one of these is true; another verb says something that they do not.
 */
export const auditedVerbs = {
  address: ['blocked', 'unblocked'],
  api_key: ['created', 'changed', 'rotated', 'deleted', 'blocked', 'unblocked'],
  audit_key: ['rotated'],
  drift_policy: ['changed'],
  forward_template: ['changed'],
  group: ['created', 'changed', 'deleted'],
  identity: ['linked', 'unlinked'],
  identity_provider: ['created', 'changed', 'deleted', 'sign_in_refused'],
  invitation: ['created', 'accepted', 'revoked'],
  limit: ['changed'],
  mail: ['retried', 'tested'],
  password_reset: ['requested'],
  pool: ['created', 'changed', 'deleted'],
  registration: ['requested', 'mail_requested'],
  reservation: ['created', 'released'],
  router: ['created', 'changed', 'deleted'],
  router_file: ['requested'],
  session: ['created', 'ended', 'reused'],
  signing_key: ['created', 'deleted'],
  user: [
    ...([
      'created',
      'registered',
      'verified',
      'changed',
      'deleted',
      'banned',
      'unbanned',
      'blocked',
      'unblocked',
    ] as const),
    ...(['profile_changed', 'email_change_requested', 'email_changed', 'password_changed'] as const),
    ...(['signed_out', 'sign_in_refused'] as const),
  ],
} as const satisfies Readonly<Record<string, readonly string[]>>;

/** Things of which more is told than that somebody asked. */
export type AuditedType = keyof typeof auditedVerbs;

/** `pool.created`, `user.banned` … */
export type AuditAction<T extends AuditedType = AuditedType> = {
  [K in T]: `${K}.${(typeof auditedVerbs)[K][number]}`;
}[T];

/** All that entries of the audit log are about; of the others here only requests and operations are told. */
export type AuditResourceType = AuditedType | 'block' | 'bulk' | 'caller' | 'operation' | 'plan' | 'vm';

/** Who did it: somebody who has signed in, or has an API key; Berth itself; whoever reaches a route that is open; an id that nobody knows any more. */
export type AuditActorKind = 'user' | 'api_key' | 'service' | 'anonymous' | 'unknown';

/** What an action is about. */
export const typeOfAction = (action: AuditAction): AuditedType => action.slice(0, action.indexOf('.')) as AuditedType; // as actions are made
