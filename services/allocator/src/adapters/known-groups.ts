import type { OpenAccess } from '@berth/access';
import { DomainError } from '@berth/errors';
import type { KnownGroups } from '../app/known-groups.ts';

/** The groups of which auth's facts tell: looked up in memory, and read anew only for a name that is not known. */
export const groupsOf = ({
  state,
  isCurrent,
  readNow,
}: Pick<OpenAccess, 'state' | 'isCurrent' | 'readNow'>): KnownGroups => ({
  has(name) {
    if (state.group(name) !== undefined) return true;
    if (isCurrent()) return false;
    throw notKnown();
  },
  async learn(names) {
    if (names.some((name) => name !== '' && state.group(name) === undefined)) await readNow();
  },
});

const notKnown = (): DomainError =>
  new DomainError('unavailable', 'ACCESS_STATE_STALE', 'Which groups there are cannot be seen at the moment.', {
    retryAfterSeconds: 1,
  });
