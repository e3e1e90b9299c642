import { type GroupPolicy, grantsOf, permitsEverywhere } from '@berth/contracts';
import type { Sql } from '@berth/database';
import type { AccessEvent } from '../../../app/auth-transaction.ts';
import type { NewMail } from '../../../app/mails/mail.ts';
import type { ReadSubscriptions } from '../../../app/mails/mail-outbox.ts';
import { noticeTopics, topicOf } from '../../../domain/mails/notice-topics.ts';

/** A sentence about a topic. */
export interface Notice {
  readonly topic: string;
  readonly text: string;
}

/** What an event says to those who subscribed to it; undefined when nobody can. */
export function noticeOf({ what, subject, reason }: AccessEvent, by: string, at: Date): Notice | undefined {
  const topic = topicOf(what);
  if (topic === undefined) return undefined;
  const details = [by === '' ? '' : `By ${by}.`, reason ? `Reason: ${reason}` : ''].filter((text) => text !== '');
  return {
    topic: topic.name,
    text: [`${what}: ${subject.type} ${subject.id}, at ${at.toISOString()}.`, ...details].join(' '),
  };
}

interface SubscriberRow {
  readonly topic: string;
  readonly id: string;
  readonly email: string;
  readonly groups: GroupPolicy[] | null;
}

/** Mails for those who subscribed to these notices, may still hear of them, and have an address that they confirmed. */
export async function mailsAbout(sql: Sql, notices: readonly Notice[]): Promise<NewMail[]> {
  if (notices.length === 0) return [];
  const rows = await sql.query<SubscriberRow>(
    `SELECT s.topic, u.id, u.email,
       (SELECT json_agg(json_build_object('name', g.name, 'permissions', g.permissions, 'everywhere', g.everywhere))
        FROM memberships m JOIN groups g ON g.name = m.group_name WHERE m.user_id = u.id) AS groups
     FROM subscriptions s JOIN users u ON u.id = s.user_id
     WHERE s.topic = ANY($1) AND u.email IS NOT NULL AND u.email_verified_at IS NOT NULL
       AND (u.banned_until IS NULL OR u.banned_until <= clock_timestamp())
     ORDER BY s.topic, u.id`,
    [[...new Set(notices.map(({ topic }) => topic))]],
  );
  const subscribers = rows.filter(({ topic, groups }) => mayHear(topic, groups ?? []));
  return notices.flatMap(({ topic, text }) =>
    subscribers
      .filter((subscriber) => subscriber.topic === topic)
      .map(({ id, email }) => ({ template: 'admin-notice', to: email, userId: id, values: { topic, text } }) as const),
  );
}

const mayHear = (name: string, groups: readonly GroupPolicy[]): boolean =>
  noticeTopics.some((topic) => topic.name === name && permitsEverywhere(grantsOf(groups), topic.verb));

/** Reads what users want to hear of. */
export const subscriptionsIn =
  (sql: Sql): ReadSubscriptions =>
  async (userId) => {
    const rows = await sql.query<{ topic: string }>(
      'SELECT topic FROM subscriptions WHERE user_id = $1 ORDER BY topic',
      [userId],
    );
    return rows.map(({ topic }) => topic);
  };
