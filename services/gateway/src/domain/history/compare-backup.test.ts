import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareBackups } from './compare-backup.ts';

const textOf = (vm: { id: string; name: string }) => vm.name;

test('what is gone or different is to be restored, what came since is to be removed, and the rest stays', () => {
  const then = [
    { id: 'a', name: 'same' },
    { id: 'b', name: 'old' },
    { id: 'c', name: 'gone' },
  ];
  const now = [
    { id: 'd', name: 'late' },
    { id: 'b', name: 'new' },
    { id: 'a', name: 'same' },
  ];
  assert.deepEqual(compareBackups(then, now, textOf), { changed: [then[1], then[2]], removedIds: ['d'] });
  assert.deepEqual(compareBackups(now, now, textOf), { changed: [], removedIds: [] });
});
