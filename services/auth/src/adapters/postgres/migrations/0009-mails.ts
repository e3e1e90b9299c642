import { defineMigration } from '@berth/database';

/** Who wants to hear of what, and the mails in the order people look through them. */
export const mails = defineMigration('auth-0009-mails', [
  `CREATE TABLE subscriptions (
      user_id text NOT NULL REFERENCES users (id) ON DELETE CASCADE,
      topic text NOT NULL,
      since timestamptz(3) NOT NULL DEFAULT now(),
      PRIMARY KEY (user_id, topic)
    )`,
  'CREATE INDEX subscriptions_of_topic ON subscriptions (topic, user_id)',
  // Until then one replica is sending it, or has died over it.
  'ALTER TABLE mails ADD COLUMN leased_until timestamptz(3)',
  'CREATE UNIQUE INDEX mails_in_order ON mails (seq)',
  'CREATE INDEX mails_ended ON mails (ended_at) WHERE ended_at IS NOT NULL',
]);
