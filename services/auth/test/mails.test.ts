import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MailService, RouterDriftChangedSchema, streams, subjects } from '@berth/contracts';
import { eventMessage, Outbox, request } from '@berth/messaging';
import { eventually, temporaryFolder } from '@berth/testing';
import { Vault } from '@berth/vault';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { writeMails } from '../src/adapters/postgres/mails/mail-rows.ts';
import { mailTemplates, type NewMail } from '../src/app/mails/mail.ts';
import { readMail, startMailbox } from './support/mailbox.ts';
import { admin, client, masterKey, newWorld, principal, type World, withCode } from './support/world.ts';

const { method } = MailService;
const timeoutMs = 10_000;
const token = 'token-that-nobody-else-may-see';
const aMail = (more: Partial<NewMail> = {}): NewMail => ({
  template: 'verify-email',
  to: 'anna@example.org',
  values: { name: 'anna', token, hours: '24' },
  ...more,
});

/** Puts mails where a transaction of auth puts them. */
async function put(world: World, ...mails: NewMail[]) {
  const database = await world.database();
  await database.transaction((sql) => writeMails(sql, new Vault([masterKey]), mails));
}

interface Row {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly sealed_values: Buffer | null;
  readonly last_error: string | null;
}

async function rows(world: World): Promise<Row[]> {
  return (await world.database()).query<Row>('SELECT * FROM mails ORDER BY seq');
}

test('a mail arrives in text and HTML, with its token behind # and as text, and nothing of it is kept', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await world.replica({ mail: mailbox.settings });
  await put(world, aMail());
  await eventually(async () => (await rows(world))[0]?.state === 'sent');
  const [mail] = mailbox.arrived;
  const [row] = await rows(world);
  assert.deepEqual(mail?.to, ['anna@example.org']);
  assert.equal(mail.headers.get('subject'), 'Confirm your e-mail address');
  assert.equal(mail.headers.get('message-id'), `<${row?.id}@berth.test>`);
  assert.equal(mail.headers.get('from'), 'Berth <berth@berth.test>');
  for (const text of [mail.text, mail.html]) {
    assert.ok(text.includes('Hello anna') && text.includes(`http://berth.test/#verify?token=${token}`), text);
    assert.ok(text.includes('24 hours'));
  }
  assert.match(mail.text, new RegExp(`the token:\r?\n${token}`));
  assert.equal(row?.sealed_values, null);
  assert.ok(!world.logged().includes(token) && !world.logged().includes('anna@example.org'));
});

test('a hostile name is text in the HTML, and no header', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await world.replica({ mail: mailbox.settings });
  const name = 'x"><script>alert(1)</script>\r\nBcc: evil@example.org\r\n\r\n<img src=x onerror=1>';
  await put(
    world,
    aMail({ values: { name, token: '"><b>', hours: '24' } }),
    aMail({ template: 'invitation', values: { name, token, hours: '1' } }),
    aMail({ template: 'admin-notice', values: { topic: name, text: name } }),
    aMail({ to: 'a@example.org\r\nRCPT TO:<evil@example.org>' }),
    aMail({ to: 'a@example.org, evil@example.org' }),
  );
  await eventually(async () => (await rows(world)).every(({ state }) => state !== 'waiting'));
  assert.deepEqual(
    (await rows(world)).map(({ state }) => state),
    ['sent', 'sent', 'sent', 'failed', 'failed'],
  );
  assert.equal(mailbox.arrived.length, 3);
  for (const { html, headers, to } of mailbox.arrived) {
    assert.ok(!/<script|<img|<b>/i.test(html), html);
    assert.ok(html.includes('&lt;script&gt;') && html.includes('&quot;&gt;'));
    assert.deepEqual([to, headers.has('bcc')], [['anna@example.org'], false]);
  }
});

test('a server that is not ready yet (451) is asked again; one that refuses for good (550) is not', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  mailbox.onRecipient = (address, time) => {
    if (address === 'nobody@example.org') return { code: 550, text: `no such user, and your ${token} is spam` };
    return time < 4 ? { code: 451, text: 'greylisted, come back' } : undefined;
  };
  await world.replica({ mail: mailbox.settings });
  await put(world, aMail());
  await eventually(async () => (await rows(world))[0]?.state === 'sent');
  assert.equal((await rows(world))[0]?.attempts, 4);
  await put(world, aMail({ to: 'nobody@example.org' }));
  await eventually(async () => (await rows(world))[1]?.state === 'failed');
  const failed = (await rows(world))[1];
  assert.equal(failed?.attempts, 1);
  assert.match(failed.last_error ?? '', /550 no such user, and your … is spam/);
  assert.ok(!world.logged().includes(token), 'what servers quote is not believed to hold no secret');
});

test('a connection that is lost after the mail was taken is followed by the same mail with the same Message-ID', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  mailbox.onMail = (_, time) => (time === 1 ? 'hang up' : undefined);
  await world.replica({ mail: mailbox.settings });
  await put(world, aMail());
  await eventually(async () => (await rows(world))[0]?.state === 'sent');
  assert.equal(mailbox.arrived.length, 2);
  const [one, two] = mailbox.arrived.map(({ headers }) => [headers.get('message-id'), headers.get('date')]);
  assert.deepEqual(one, two);
});

test('of two replicas with many mails each mail is sent by one', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await Promise.all([world.replica({ mail: mailbox.settings }), world.replica({ mail: mailbox.settings })]);
  const many = Array.from({ length: 60 }, (_, index) => aMail({ to: `user${index}@example.org` }));
  await Promise.all(many.map((mail) => put(world, mail)));
  await eventually(async () => (await rows(world)).every(({ state }) => state === 'sent'));
  const recipients = mailbox.arrived.flatMap(({ to }) => to);
  assert.deepEqual([...recipients].sort(), many.map(({ to }) => to).sort());
});

test('a mail over which its sender died is sent when its lease ends, and not before, whoever asks for it', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await (await world.replica())();
  await put(world, aMail());
  const database = await world.database();
  // As the claim of a replica that died leaves it.
  await database.execute(
    "UPDATE mails SET attempts = 1, leased_until = now() + interval '1 hour', next_attempt_at = now() + interval '1 hour'",
  );
  await world.replica({ mail: mailbox.settings });
  const id = (await rows(world))[0]?.id ?? '';
  const retry = () => request(world.bus, method.retryMail, { context: { principal: admin }, id }, { timeoutMs });
  await retry(); // somebody may be sending it: it is not sent a second time beside that
  await put(world, aMail({ to: 'later@example.org' }));
  await eventually(async () => (await rows(world))[1]?.state === 'sent');
  assert.deepEqual(
    mailbox.arrived.map(({ to }) => to[0]),
    ['later@example.org'],
  );
  await database.execute('UPDATE mails SET leased_until = now() WHERE id = $1', [id]);
  await retry();
  await eventually(async () => (await rows(world))[0]?.state === 'sent');
  assert.equal((await rows(world))[0]?.attempts, 2);
});

test('after three days a mail has failed; an administrator tries it again for a day, and sees nothing of what it says', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  let ready = false;
  mailbox.onRecipient = () => (ready ? undefined : { code: 451, text: 'later' });
  const database = await world.database();
  await world.replica({
    mail: { ...mailbox.settings, patience: { firstPauseMs: 20, longestPauseMs: 20, giveUpAfterMs: 200 } },
  });
  await put(world, aMail());
  await eventually(async () => (await rows(world))[0]?.state === 'failed');
  const list = (state: string, who = admin) =>
    request(world.bus, method.listMails, { principal: who, state }, { timeoutMs });
  const { mails } = await list('failed');
  assert.deepEqual([mails.length, mails[0]?.template, mails[0]?.recipient], [1, 'verify-email', 'anna@example.org']);
  assert.ok(!JSON.stringify(mails, (_, value) => (typeof value === 'bigint' ? String(value) : value)).includes(token));
  assert.equal((await list('sent')).mails.length, 0);
  await assert.rejects(list('lost'), withCode('MAIL_INPUT_INVALID'));
  await assert.rejects(list('', principal('operator')), withCode('PERMISSION_DENIED'));
  ready = true;
  const retry = (id: string) =>
    request(world.bus, method.retryMail, { context: { principal: admin }, id }, { timeoutMs });
  const id = mails[0]?.id ?? '';
  await retry(id);
  await eventually(async () => (await rows(world))[0]?.state === 'sent');
  await assert.rejects(retry(id), withCode('MAIL_ENDED'));
  await assert.rejects(retry(randomUUID()), withCode('MAIL_NOT_FOUND'));
  const actions = await database.query<{ action: string }>(
    "SELECT action FROM audit_entries WHERE resource_type = 'mail'",
  );
  assert.deepEqual(
    actions.map(({ action }) => action),
    ['mail.retried'],
  );
});

test('mails go into files for their owner alone where no server is set', async (t) => {
  const world = await newWorld(t);
  const folder = join(temporaryFolder(t), 'mails');
  await world.replica({
    mail: { smtp: undefined, folder, from: { name: 'Berth', address: 'berth@localhost' }, sweepEveryMs: 600_000 },
  });
  await request(
    world.bus,
    method.sendTestMail,
    { context: { principal: admin }, recipient: 'me@example.org' },
    { timeoutMs },
  );
  await eventually(async () => (await rows(world))[0]?.state === 'sent'); // at once, and not at the next sweep
  const [file = '', ...more] = readdirSync(folder);
  assert.deepEqual(
    [more.length, statSync(join(folder, file)).mode & 0o777, statSync(folder).mode & 0o777],
    [0, 0o600, 0o700],
  );
  const mail = readMail(readFileSync(join(folder, file), 'latin1'));
  assert.equal(mail.headers.get('to'), 'me@example.org');
  assert.match(mail.text, /mails arrive/);
  assert.match(world.logged(), /mails are sent/);
});

test('those who subscribed hear of what happens, as long as they may', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await world.replica({ mail: mailbox.settings });
  const database = await world.database();
  const user = async (name: string, group: string, verified = true) => {
    const [row] = await database.query<{ id: string }>(
      `INSERT INTO users (name, email, email_verified_at, home_group) VALUES ($1, $1 || '@example.org', CASE WHEN $3 THEN now() END, $2) RETURNING id`,
      [name, group, verified],
    );
    const id = row?.id ?? '';
    await database.execute('INSERT INTO memberships (user_id, group_name) VALUES ($1, $2)', [id, group]);
    return {
      id,
      kind: 'user',
      name,
      userId: id,
      permissions: group === 'admin' ? ['*'] : ['vms:read', 'routers:read'],
    };
  };
  const set = (who: object, topics: string[]) =>
    request(world.bus, method.setSubscriptions, { context: { principal: who }, topics }, { timeoutMs });
  const [chief, deputy, viewer, unverified] = [
    await user('chief', 'admin'),
    await user('deputy', 'admin'),
    await user('viewer', 'viewer'),
    await user('unverified', 'admin', false),
  ];
  await set(chief, ['api-key-created', 'router-drift', 'api-key-created']);
  await set(deputy, ['api-key-created']);
  await set(unverified, ['api-key-created']);
  await assert.rejects(set(viewer, ['api-key-created']), withCode('PERMISSION_DENIED'));
  await assert.rejects(set(viewer, ['weather']), withCode('TOPIC_UNKNOWN'));
  const seen = await request(world.bus, method.getSubscriptions, { principal: viewer }, { timeoutMs });
  assert.deepEqual([seen.topics, seen.available.map(({ name }) => name)], [[], ['router-drift']]);
  const chiefs = await request(world.bus, method.getSubscriptions, { principal: chief }, { timeoutMs });
  assert.deepEqual(chiefs.topics, ['api-key-created', 'router-drift']);
  await database.execute('DELETE FROM memberships WHERE user_id = $1', [deputy.id]);

  await client(world.bus).create({ name: 'ci' });
  await eventually(
    async () => (await rows(world)).length > 0 && (await rows(world)).every(({ state }) => state === 'sent'),
  );
  assert.deepEqual(
    mailbox.arrived.map(({ to }) => to[0]),
    ['chief@example.org'],
  );
  assert.match(mailbox.arrived[0]?.text ?? '', /api_key\.created: api_key [0-9a-f-]{36}/);
});

test('every mail is written, and none has a gap where a value belongs', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await world.replica({ mail: mailbox.settings });
  const values = Object.fromEntries(
    'name user token hours minutes new_email at from fields until reason device topic text'
      .split(' ')
      .map((name) => [name, `«${name}»`]),
  );
  await put(world, ...mailTemplates.map((template) => aMail({ template, values })));
  await eventually(async () => (await rows(world)).every(({ state }) => state === 'sent'));
  assert.equal(mailbox.arrived.length, mailTemplates.length);
  const used: Record<string, string[]> = {
    'verify-email': ['name', 'token', 'hours'],
    invitation: ['name', 'user', 'token', 'hours'],
    'confirm-new-email': ['name', 'token', 'hours'],
    'email-changed': ['name', 'new_email'],
    'reset-password': ['name', 'token', 'minutes'],
    'password-changed': ['name', 'at', 'from'],
    'profile-changed': ['name', 'fields'],
    banned: ['name', 'until', 'reason'],
    'new-sign-in': ['name', 'at', 'from', 'device'],
    'tokens-reused': ['name', 'at', 'from'],
    test: ['at'],
    'admin-notice': ['topic', 'text'],
  };
  const written = await (await world.database()).query<{ id: string; template: string }>(
    'SELECT id, template FROM mails',
  );
  for (const { id, template } of written) {
    const mail = mailbox.arrived.find(({ headers }) => headers.get('message-id')?.includes(id));
    assert.ok(mail && !/undefined|null|NaN/.test(mail.text + mail.html), template);
    for (const name of used[template] ?? ['name'])
      for (const text of [mail.text, mail.html]) assert.ok(text.includes(`«${name}»`), `${template} lacks ${name}`);
  }
});

test('a server that offers no TLS gets neither mail nor password where TLS is required', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  const { smtp } = mailbox.settings;
  const auth = { user: 'berth', pass: 'the-password-of-the-server' };
  await world.replica({ mail: { ...mailbox.settings, smtp: smtp && { ...smtp, requireTLS: true, auth } } });
  await put(world, aMail());
  await eventually(async () => ((await rows(world))[0]?.attempts ?? 0) > 2);
  const [row] = await rows(world);
  assert.deepEqual([row?.state, mailbox.arrived.length], ['waiting', 0]);
  assert.match(row?.last_error ?? '', /STARTTLS|TLS/i);
  assert.ok(!mailbox.heard().includes(auth.pass) && !world.logged().includes(auth.pass));
});

test('those who subscribed to router-drift hear of it once, however often the event comes', async (t) => {
  const [world, mailbox] = [await newWorld(t), await startMailbox(t)];
  await Promise.all([world.replica({ mail: mailbox.settings }), world.replica({ mail: mailbox.settings })]);
  const database = await world.database();
  const [user] = await database.query<{ id: string }>(
    "INSERT INTO users (name, email, email_verified_at, home_group) VALUES ('vera', 'vera@example.org', now(), 'viewer') RETURNING id",
  );
  await database.execute("INSERT INTO memberships (user_id, group_name) VALUES ($1, 'viewer')", [user?.id]);
  await database.execute("INSERT INTO subscriptions (user_id, topic) VALUES ($1, 'router-drift')", [user?.id]);
  const tell = (router: string, at: Date) =>
    eventMessage(
      {
        stream: streams.events,
        subject: subjects.routerDrift('detected', router),
        type: 'berth.router.drift.detected',
        source: 'berth/vyos-driver',
        about: router,
      },
      RouterDriftChangedSchema,
      { router, count: 2, at: timestampFromDate(at) },
    );
  const outbox = new Outbox({ database, bus: world.bus, streams: [streams.events] });
  const publish = (router: string, at = new Date()) => outbox.transaction(async (_sql, send) => send(tell(router, at)));
  await publish('long-ago', new Date(Date.now() - 3 * 86_400_000));
  await publish('edge');
  await eventually(async () => (await rows(world))[0]?.state === 'sent');
  const unpublished = async () =>
    (await database.query("SELECT 1 FROM outbox WHERE published_at IS NULL AND subject LIKE '%drift%'")).length;
  await eventually(async () => (await unpublished()) === 0);
  // As after the loss of the stream: the same event again, under its next message id.
  await database.execute(
    "UPDATE outbox SET published_at = NULL, attempt = attempt + 1 WHERE subject LIKE '%drift.detected.edge'",
  );
  await eventually(async () => (await unpublished()) === 0);
  await publish('core');
  await eventually(
    async () => (await rows(world)).length === 2 && (await rows(world)).every(({ state }) => state === 'sent'),
  );
  assert.deepEqual(
    mailbox.arrived.map(({ to, text }) => [to[0], /router (\w+) /.exec(text)?.[1]]),
    [
      ['vera@example.org', 'edge'],
      ['vera@example.org', 'core'],
    ],
  );
});
