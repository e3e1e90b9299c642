// `npm run check:breaking`: the wire contract in proto/ still serves clients and services of the last release.
//
// Compared is with the newest release tag (v1.2.3) that this clone has. Without one, with the commit that is checked out, so
// that a change which is not committed yet is seen: before the first release nobody depends on the contract. A shallow clone
// has no tags unless they are fetched (git fetch --tags); it is told so. Works off-line.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { newestRelease } from './newest-release.ts';

const root = join(import.meta.dirname, '../../..');
const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

const baseline = newestRelease(git('tag', '--list', 'v*').split('\n')) ?? 'HEAD';
if (git('ls-tree', '--name-only', baseline, 'proto') === '') {
  console.log(`${baseline} has no proto/ yet.`);
} else {
  const isShallow = git('rev-parse', '--is-shallow-repository') === 'true';
  const hint =
    isShallow && baseline === 'HEAD' ? ' This clone is shallow: fetch the tags to compare with a release.' : '';
  console.log(`Compared with ${baseline}.${hint}`);
  const commit = git('rev-parse', `${baseline}^{commit}`);
  const { status } = spawnSync('buf', ['breaking', '--against', `${gitFolder()}#ref=${commit},format=git`], {
    cwd: root,
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}

/** Of a linked worktree, `.git` is a file; buf wants the repository itself. */
function gitFolder(): string {
  return git('rev-parse', '--path-format=absolute', '--git-common-dir');
}
