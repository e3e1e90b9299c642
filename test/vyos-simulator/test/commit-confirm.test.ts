import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ManualClock, type Simulator, startSimulator } from '../src/index.ts';
import { configure, envelopeOf, type Reply, retrieve, send, sendForm, sendJson } from './router-client.ts';

const PORT = 'nat destination rule 5 destination port'.split(' ');
const MINUTE = 60_000;

type World = { readonly simulator: Simulator; readonly clock: ManualClock };

async function router(t: TestContext, action: 'reload' | 'reboot', profile: '1.5-2025' | '1.5-2026'): Promise<World> {
  const clock = new ManualClock();
  const simulator = await startSimulator({ profile, clock });
  t.after(() => simulator.stop());
  await configure(simulator, ['set', `system config-management commit-confirm action ${action}`]);
  await sendJson(simulator, '/config-file', { op: 'save' });
  return { simulator, clock };
}

const setPort = (simulator: Simulator, value: string, confirm_time: number): Promise<Reply> =>
  sendJson(simulator, '/configure', { commands: [{ op: 'set', path: PORT, value }], confirm_time });
const confirm = async (simulator: Simulator) => envelopeOf(await sendJson(simulator, '/configure', { op: 'confirm' }));
const port = async (simulator: Simulator) => (await retrieve(simulator, 'returnValue', PORT.join(' '))).data;

for (const [profile, lead] of [
  ['1.5-2025', ''],
  ['1.5-2026', '\n'],
] as const) {
  test(`${profile}: an unconfirmed commit is taken back by a reload`, async (t) => {
    const { simulator, clock } = await router(t, 'reload', profile);
    const reply = envelopeOf(await setPort(simulator, '2300', 2));
    assert.equal(reply.data, `${lead}Initialized commit-confirm; 2 minutes to confirm before reload\n`);
    assert.equal(simulator.counters().pending_confirm, true);
    await clock.advance(2 * MINUTE - 1);
    assert.equal(await port(simulator), '2300');
    await clock.advance(1);
    assert.equal(await port(simulator), '2222');
    assert.deepEqual([simulator.counters().pending_confirm, simulator.counters().reverts], [false, 1]);
  });

  test(`${profile}: a confirmed commit stays`, async (t) => {
    const { simulator, clock } = await router(t, 'reload', profile);
    await setPort(simulator, '2300', 1);
    assert.equal((await confirm(simulator)).data, 'Reload timer stopped\n');
    await clock.advance(5 * MINUTE);
    assert.equal(await port(simulator), '2300');
    assert.equal(simulator.counters().reverts, 0);
    assert.equal((await confirm(simulator)).data, 'No confirm pending');
  });

  test(`${profile}: where the action is reboot, what was saved is back, and what was not is gone`, async (t) => {
    const { simulator, clock } = await router(t, 'reboot', profile);
    await configure(simulator, ['set', 'nat destination rule 5 description unsaved']);
    const reply = envelopeOf(await setPort(simulator, '2300', 1));
    assert.match(String(reply.data), /1 minutes to confirm before reboot\n$/);
    await clock.advance(MINUTE);
    await assert.rejects(port(simulator), /ECONNREFUSED|ECONNRESET/);
    await clock.advance(MINUTE);
    assert.equal(await port(simulator), '2222');
    const description = await retrieve(simulator, 'returnValue', 'nat destination rule 5 description');
    assert.equal(description.data, 'admin ssh (made by hand)');
    assert.deepEqual([simulator.counters().reboots, simulator.counters().reverts], [1, 1]);
  });

  test(`${profile}: a reload takes back what others committed since, too`, async (t) => {
    const { simulator, clock } = await router(t, 'reload', profile);
    await setPort(simulator, '2300', 1);
    await simulator.person({ commands: ['set nat destination rule 5 description edited'] });
    await clock.advance(MINUTE);
    const description = await retrieve(simulator, 'returnValue', 'nat destination rule 5 description');
    assert.equal(description.data, 'admin ssh (made by hand)');
  });

  test(`${profile}: without kept revisions a reload takes nothing back`, async (t) => {
    const { simulator, clock } = await router(t, 'reload', profile);
    await configure(simulator, ['delete', 'system config-management commit-revisions']);
    await setPort(simulator, '2300', 1);
    await clock.advance(MINUTE);
    assert.equal(await port(simulator), '2300');
    assert.deepEqual([simulator.counters().pending_confirm, simulator.counters().reverts], [false, 0]);
  });

  test(`${profile}: a reboot forgets what waits for its confirmation`, async (t) => {
    const { simulator, clock } = await router(t, 'reload', profile);
    await setPort(simulator, '2300', 1);
    await simulator.reboot({ downMs: 0 });
    await setPort(simulator, '2400', 0);
    await clock.advance(2 * MINUTE);
    assert.equal(await port(simulator), '2400');
  });

  test(`${profile}: a single command and a file can be confirmed, too`, async (t) => {
    const { simulator, clock } = await router(t, 'reload', profile);
    await sendJson(simulator, '/configure', { op: 'set', path: PORT, value: '2300', confirm_time: 1 });
    assert.equal(await port(simulator), '2300');
    await clock.advance(MINUTE);
    await configure(simulator, ['set', PORT.join(' '), '2400']);
    await sendJson(simulator, '/config-file', { op: 'load', file: '/config/config.boot', confirm_time: 1 });
    assert.equal(await port(simulator), '2222');
    const confirmed = await sendJson(simulator, '/config-file', { op: 'confirm' });
    assert.equal(envelopeOf(confirmed).data, 'Reload timer stopped\n');
  });

  test(`${profile}: what fits no edit is taken for a confirmation, but not as a form`, async (t) => {
    const { simulator } = await router(t, 'reload', profile);
    for (const body of [{ op: 'set', path: [] }, { op: 'set' }, { op: 'set', path: PORT, confirm_time: '1' }]) {
      const reply = await sendJson(simulator, '/configure', body);
      assert.deepEqual([reply.status, envelopeOf(reply).error], [400, "'set' is not a valid operation"]);
    }
    const form = await sendForm(simulator, '/configure', { data: '{"op": "confirm"}', key: simulator.key });
    assert.equal(form.status, 400);
    assert.match(envelopeOf(form).error ?? '', /^Malformed command '\{'op': 'confirm'\}': missing 'path' field$/);
    const asCurlSendsIt = await send(simulator, '/configure', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: JSON.stringify({ op: 'confirm', key: simulator.key }),
    });
    assert.equal(envelopeOf(asCurlSendsIt).data, 'No confirm pending');
    const list = await sendJson(simulator, '/configure', { commands: [{ op: 'set', path: PORT }], confirm_time: '1' });
    assert.match(envelopeOf(list).error ?? '', /'ConfigureModel', 'op'\), 'msg': 'Field required'/);
  });
}

test('1.5-2025 refuses a second commit-confirm before it commits', async (t) => {
  const { simulator } = await router(t, 'reload', '1.5-2025');
  await setPort(simulator, '2300', 1);
  const second = await setPort(simulator, '2400', 1);
  assert.deepEqual([second.status, envelopeOf(second).error], [400, 'Another confirm is pending']);
  assert.equal(await port(simulator), '2300');
});

test('1.5-2026 refuses a second commit-confirm after it has committed', async (t) => {
  const { simulator } = await router(t, 'reload', '1.5-2026');
  await setPort(simulator, '2300', 1);
  const second = await setPort(simulator, '2400', 1);
  assert.deepEqual([second.status, envelopeOf(second).error], [400, 'Another confirm is pending']);
  assert.equal(await port(simulator), '2400');
});

const partly = (simulator: Simulator) =>
  sendJson(simulator, '/configure', {
    commands: [
      { op: 'set', path: ['nat', 'destination', 'rule', '6'] },
      { op: 'set', path: ['interfaces', 'ethernet', 'eth2', 'description', 'half'] },
    ],
    confirm_time: 1,
  });

test('1.5-2025: the timer of a commit that failed runs on and takes back the part that was committed', async (t) => {
  const { simulator, clock } = await router(t, 'reload', '1.5-2025');
  assert.equal((await partly(simulator)).status, 400);
  assert.equal((await retrieve(simulator, 'returnValue', 'interfaces ethernet eth2 description')).data, 'half');
  assert.equal(simulator.counters().pending_confirm, true);
  await clock.advance(MINUTE);
  assert.equal((await retrieve(simulator, 'returnValue', 'interfaces ethernet eth2 description')).data, null);
});

test('1.5-2026: a commit that failed has no timer', async (t) => {
  const { simulator, clock } = await router(t, 'reload', '1.5-2026');
  assert.equal((await partly(simulator)).status, 400);
  assert.equal(simulator.counters().pending_confirm, false);
  await clock.advance(MINUTE);
  assert.equal((await retrieve(simulator, 'returnValue', 'interfaces ethernet eth2 description')).data, 'half');
});

test('1.5-2025: an edit that is refused starts no timer', async (t) => {
  const { simulator } = await router(t, 'reload', '1.5-2025');
  const commands = [{ op: 'set', path: ['nat', 'bogus'] }];
  assert.equal((await sendJson(simulator, '/configure', { commands, confirm_time: 1 })).status, 400);
  assert.equal(simulator.counters().pending_confirm, false);
});

test('while a reload takes a commit back, the API cannot commit', async (t) => {
  const { simulator, clock } = await router(t, 'reload', '1.5-2026');
  await setPort(simulator, '2300', 1);
  simulator.setLatency({ commitMs: 1_000 });
  await clock.advance(MINUTE);
  const early = setPort(simulator, '2400', 0);
  while (simulator.counters().refused === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.match((await early).text, /temporarily locked due to another commit in progress/);
  await clock.advance(1_000);
  simulator.setLatency({});
  assert.equal((await setPort(simulator, '2400', 0)).status, 200);
});

test('the minutes of a commit-confirm are scaled', async (t) => {
  const simulator = await startSimulator({ profile: '1.5-2026', latency: { scale: 0.001 } });
  t.after(() => simulator.stop());
  await configure(simulator, ['set', 'system config-management commit-confirm action reload']);
  await setPort(simulator, '2300', 1);
  while (simulator.counters().reverts === 0) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await port(simulator), '2222');
});

test('1.5-2025: the timer runs while the commit does', async (t) => {
  const { simulator, clock } = await router(t, 'reload', '1.5-2025');
  simulator.setLatency({ commitMs: 40_000 });
  const write = setPort(simulator, '2300', 1);
  while (clock.sleepers < 2) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(40_000);
  assert.equal((await write).status, 200);
  assert.equal(await port(simulator), '2300');
  await clock.advance(20_000);
  assert.equal(await port(simulator), '2222');
});

test('a version without commit-confirm commits and knows no such field', async (t) => {
  const simulator = await startSimulator({ latency: { scale: 0.000_1 } });
  t.after(() => simulator.stop());
  assert.equal(envelopeOf(await setPort(simulator, '2300', 1)).data, null);
  assert.equal(simulator.counters().pending_confirm, false);
  assert.match(envelopeOf(await sendJson(simulator, '/configure', { op: 'confirm' })).error ?? '', /'path'\)/);
});
