import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeForwards, type PortAction } from './change-forwards.ts';
import { type Forward, moveBlock } from './forward.ts';
import type { TemplateForward } from './forward-template.ts';
import { plainWish } from './forward-wish.ts';
import { planNewForwards } from './new-forwards.ts';

const entry = (name: string, internalPort: number): TemplateForward => ({
  name,
  protocol: 'tcp',
  internalPort,
  sources: [],
  description: '',
});
const template = [entry('ssh', 22), entry('http', 80), entry('https', 443)];

/** ssh is enabled, game (of the VM's own) is disabled, http and https were never made. */
const forwards: readonly Forward[] = moveBlock(
  planNewForwards([plainWish('ssh'), { ...plainWish('game'), internalPort: 27_015, disabled: true }], template),
  10_000,
).map((forward, index) =>
  forward.state === 'absent' ? forward : { ...forward, external: { first: 32_000 + index, last: 32_000 + index } },
);

const change = (action: PortAction, ...names: string[]) => changeForwards(forwards, template, action, names);
const statesAfter = (action: PortAction, ...names: string[]) =>
  Object.fromEntries(change(action, ...names).forwards.map(({ name, state }) => [name, state]));

test('create makes what is missing under its own number, enables what is disabled and leaves what is enabled', () => {
  const { forwards: after, created, changed } = change('create', 'ssh', 'http', 'game');
  assert.equal(changed, true);
  assert.deepEqual(created, ['http']);
  const http = after.find(({ name }) => name === 'http');
  assert.deepEqual([http?.blockRule, http?.internal.first, http?.external], [10_001, 80, null]);
  assert.deepEqual(statesAfter('create', 'ssh', 'http', 'game'), {
    ssh: 'enabled',
    game: 'enabled',
    http: 'enabled',
    https: 'absent',
  });
});

test('delete removes, keeps the number and forgets the port', () => {
  const [ssh] = change('delete', 'ssh').forwards;
  assert.deepEqual([ssh?.state, ssh?.external, ssh?.blockRule], ['absent', null, 10_000]);
});

test('pause disables what is enabled and leaves the rest alone', () => {
  assert.deepEqual(statesAfter('pause', 'ssh', 'http', 'game'), {
    ssh: 'disabled',
    game: 'disabled',
    http: 'absent',
    https: 'absent',
  });
});

test('a repeat changes nothing', () => {
  const nothing: [PortAction, string][] = [
    ['create', 'ssh'],
    ['delete', 'http'],
    ['pause', 'game'],
    ['pause', 'http'],
    ['enable', 'ssh'],
    ['disable', 'game'],
  ];
  for (const [action, name] of nothing) assert.equal(change(action, name).changed, false, `${action} ${name}`);
});

test('enable and disable need the port to exist; a name that nobody knows is a mistake', () => {
  assert.throws(() => change('enable', 'http'), { code: 'PORT_NOT_FOUND', kind: 'not_found' });
  assert.throws(() => change('disable', 'ssh', 'https'), { code: 'PORT_NOT_FOUND' });
  assert.throws(() => change('create', 'telnet'), { code: 'UNKNOWN_PORT', kind: 'invalid' });
});

test('a forward of the VM’s own can be made again after its removal', () => {
  const { forwards: without } = change('delete', 'game');
  const again = changeForwards(without, template, 'create', ['game']);
  const game = again.forwards.find(({ name }) => name === 'game');
  assert.deepEqual([again.created, game?.blockRule, game?.internal.first], [['game'], 10_003, 27_015]);
});

test('a name that the template has by now and the VM does not know is made with a rule number of its own', () => {
  const newer = [...template, entry('rdp', 3_389)];
  const { forwards: after, created } = changeForwards(forwards, newer, 'create', ['rdp']);
  const rdp = after.find(({ name }) => name === 'rdp');
  assert.deepEqual([created, rdp?.blockRule, rdp?.ofTemplate, rdp?.internal.first], [['rdp'], null, false, 3_389]);
  assert.equal(changeForwards(forwards, newer, 'delete', ['rdp']).changed, false);
  assert.throws(() => changeForwards(forwards, newer, 'enable', ['rdp']), { code: 'PORT_NOT_FOUND' });
});
