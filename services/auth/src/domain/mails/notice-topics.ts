import type { AuditAction, PermissionVerb } from '@berth/contracts';

/** What people can have mails about when it happens. */
export interface NoticeTopic {
  readonly name: string;
  readonly description: string;
  /** What it takes, for all groups, to hear of it. */
  readonly verb: PermissionVerb;
  /** Which events of access it is about. */
  readonly events: readonly AuditAction[];
}

export const noticeTopics: readonly NoticeTopic[] = [
  {
    name: 'user-registered',
    description:
      'Somebody registered, was invited and came, or signed in for the first time with an identity provider.',
    verb: 'users:read',
    events: ['user.registered', 'user.created'],
  },
  {
    name: 'user-banned',
    description: 'A user was banned, or a ban was lifted.',
    verb: 'users:read',
    events: ['user.banned', 'user.unbanned'],
  },
  {
    name: 'tokens-reused',
    description: 'A refresh token was used twice, so that its session was ended.',
    verb: 'users:read',
    events: ['session.reused'],
  },
  {
    name: 'address-blocked',
    description: 'An address, user or key is kept out for a time because it asked too much.',
    verb: 'limits:admin',
    events: ['address.blocked', 'user.blocked', 'api_key.blocked'],
  },
  {
    name: 'api-key-created',
    description: 'An API key was made, by a user or an administrator.',
    verb: 'api-keys:admin',
    events: ['api_key.created'],
  },
  {
    name: 'router-drift',
    description: 'Somebody changed something of Berth’s on a router.',
    verb: 'routers:read',
    events: [],
  },
];

/** The topic that an event of access belongs to; undefined: none. */
export const topicOf = (event: AuditAction): NoticeTopic | undefined =>
  noticeTopics.find(({ events }) => events.includes(event));
