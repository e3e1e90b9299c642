import type { EnvReader } from '@berth/service-kit';
import type { AccountPolicy, RegistrationMode } from './app/accounts/account-deps.ts';
import { characterKinds } from './domain/accounts/password-rules.ts';
import { groupNameErrors } from './domain/users/access-terms.ts';
import { adminGroup } from './domain/users/group.ts';

const modes: readonly RegistrationMode[] = ['open', 'invite', 'off'];
/** The strongest that zxcvbn knows. */
const highestScore = 4;

/** How accounts come to be, and what their passwords have to be like. */
export function readAccountSettings(read: EnvReader): AccountPolicy {
  const mode = read.text('BERTH_REGISTRATION', { fallback: 'off' });
  const registration = modes.find((one) => one === mode);
  if (registration === undefined) read.reject(`BERTH_REGISTRATION must be ${modes.join(', ')}`);
  const registrationGroups = read.list('BERTH_REGISTRATION_GROUPS');
  if (registrationGroups.includes(adminGroup)) {
    read.reject('BERTH_REGISTRATION_GROUPS has admin: every stranger who registers would be an administrator');
  }
  if (registrationGroups.some((name) => groupNameErrors(name).length > 0)) {
    read.reject(
      'BERTH_REGISTRATION_GROUPS must be names of groups, with commas between: lower case letters, digits and -',
    );
  }
  const wanted = read.list('BERTH_PASSWORD_CHARACTERS');
  const characters = characterKinds.filter((kind) => wanted.includes(kind));
  if (characters.length !== new Set(wanted).size) {
    read.reject(`BERTH_PASSWORD_CHARACTERS must be a list of ${characterKinds.join(', ')}`);
  }
  const minLength = read.integer('BERTH_PASSWORD_MIN_LENGTH', { min: 8, max: 200, fallback: 10 });
  return {
    registration: registration ?? 'off',
    registrationGroups,
    passwords: {
      minLength,
      maxLength: read.integer('BERTH_PASSWORD_MAX_LENGTH', { min: Math.max(minLength, 64), max: 1_000, fallback: 200 }),
      characters,
      minScore: read.integer('BERTH_PASSWORD_SCORE', { min: 0, max: highestScore, fallback: 3 }),
      history: read.integer('BERTH_PASSWORD_HISTORY', { min: 0, max: 50, fallback: 5 }),
    },
  };
}
