import assert from 'node:assert/strict';
import { test } from 'node:test';
import { envReader } from '@berth/service-kit';
import { readAccountSettings } from './account-settings.ts';

const settingsOf = (env: Record<string, string>) => {
  const read = envReader(env);
  return read.finish(readAccountSettings(read));
};

test('nobody registers unless that is set, and passwords have rules', () => {
  assert.deepEqual(settingsOf({}), {
    registration: 'off',
    registrationGroups: [],
    passwords: { minLength: 10, maxLength: 200, characters: [], minScore: 3, history: 5 },
  });
});

test('settings that make no sense stop the start, all named at once', () => {
  const wrong = { BERTH_REGISTRATION: 'on', BERTH_PASSWORD_CHARACTERS: 'digit,emoji', BERTH_PASSWORD_SCORE: '5' };
  assert.throws(
    () => settingsOf(wrong),
    (error: Error) => Object.keys(wrong).every((name) => error.message.includes(name)),
  );
  assert.throws(() => settingsOf({ BERTH_REGISTRATION_GROUPS: 'viewer,admin' }), /would be an administrator/);
  assert.throws(
    () => settingsOf({ BERTH_REGISTRATION_GROUPS: 'Viewer' }),
    /BERTH_REGISTRATION_GROUPS must be names of groups/,
  );
  assert.deepEqual(settingsOf({ BERTH_REGISTRATION_GROUPS: 'viewer' }).registrationGroups, ['viewer']);
  assert.deepEqual(settingsOf({ BERTH_PASSWORD_CHARACTERS: 'symbol,digit' }).passwords.characters, ['digit', 'symbol']);
});
