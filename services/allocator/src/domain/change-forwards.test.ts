import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeForwards, type PortAction } from './change-forwards.ts';
import { type Forward, newForwards, plainWish } from './forward.ts';

const rules = { first: 10_000, last: 10_003 };
const ports = new Map([
  ['ssh', 32_000],
  ['game', 32_001],
]);
/** ssh is enabled, game (of the VM's own) is disabled, http and https were never made. */
const forwards: readonly Forward[] = newForwards(
  [plainWish('ssh'), { ...plainWish('game'), internalPort: 27_015, disabled: true }],
  rules,
  ports,
);

const change = (action: PortAction, ...names: string[]) => changeForwards(forwards, rules, action, names);
const statesAfter = (action: PortAction, ...names: string[]) =>
  Object.fromEntries(change(action, ...names).forwards.map(({ name, state }) => [name, state]));

test('create makes what is missing under its own number, enables what is disabled and leaves what is enabled', () => {
  const { created, changed } = change('create', 'ssh', 'http', 'game');
  assert.equal(changed, true);
  assert.deepEqual(
    created.map(({ name, ruleNumber, internalPort, externalPort }) => [name, ruleNumber, internalPort, externalPort]),
    [['http', 10_001, 80, 0]],
  );
  assert.deepEqual(statesAfter('create', 'ssh', 'http', 'game'), { ssh: 'enabled', game: 'enabled', http: 'enabled' });
});

test('delete removes, keeps the number and forgets the port', () => {
  const [ssh] = change('delete', 'ssh').forwards;
  assert.deepEqual([ssh?.state, ssh?.externalPort, ssh?.ruleNumber], ['absent', 0, 10_000]);
});

test('pause disables what is enabled and leaves the rest alone', () => {
  assert.deepEqual(statesAfter('pause', 'ssh', 'http', 'game'), { ssh: 'disabled', game: 'disabled' });
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
  const again = changeForwards(without, rules, 'create', ['game']);
  assert.deepEqual(
    again.created.map(({ name, ruleNumber, internalPort }) => [name, ruleNumber, internalPort]),
    [['game', 10_003, 27_015]],
  );
});
