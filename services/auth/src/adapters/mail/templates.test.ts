import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailTemplate } from '../../app/mails/mail.ts';
import { mailTexts } from './templates.ts';

const written = (template: MailTemplate, values: Record<string, string>): string =>
  JSON.stringify(
    mailTexts[template](
      (name) => values[name] ?? '',
      (page) => `https://berth.example/#${page}`,
    ),
  );

test('moments are written for people, and what is no moment as it is', () => {
  assert.match(written('banned', { until: '2999-01-01T00:00:00.000Z' }), /1 January 2999 at 00:00:00 UTC/);
  assert.match(written('banned', {}), /somebody lifts it/);
});

test('what lasts for days is told in days', () => {
  assert.match(written('invitation', { hours: '168' }), /within 7 days\./);
  assert.match(written('verify-email', { hours: '24' }), /within 24 hours\./);
});

test('an invitation greets whom it is for, where a name is known', () => {
  assert.match(written('invitation', { name: 'chief', user: 'dora' }), /"Hello dora,","chief invites/);
  assert.match(written('invitation', { name: 'chief' }), /"Hello,","chief invites.*choose a name and a password\./);
});

test('a test of mails does not speak of a subscription', () => {
  assert.doesNotMatch(written('test', { at: '2026-01-01T00:00:00.000Z' }), /subscri/);
});
