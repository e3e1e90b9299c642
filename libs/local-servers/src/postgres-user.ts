import { execFileSync, spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

/** A system user, by number. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Whom Postgres runs as. It refuses to run as root, so root hands it to the user `postgres`, which is made when the
 * machine has none. Everybody else runs it as themselves: undefined.
 */
export function postgresUser(): SystemUser | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const existing = lookUp('postgres');
  if (existing !== undefined) return existing;
  execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres']);
  const made = lookUp('postgres');
  if (made === undefined) throw new Error('The user postgres could not be made; Postgres does not run as root.');
  return made;
}

/** Whether the user that Postgres runs as can use this path, or the nearest existing folder above it. */
export function postgresUserReaches(path: string): boolean {
  const user = postgresUser();
  if (user === undefined) return true;
  for (let folder = path; ; folder = dirname(folder)) {
    const reached = spawnSync('test', ['-e', folder], { ...user, cwd: '/' }).status === 0;
    if (reached) return spawnSync('test', ['-x', folder], { ...user, cwd: '/' }).status === 0;
    // Not there, or not visible? Only root can tell the two apart.
    if (spawnSync('test', ['-e', folder], { cwd: '/' }).status === 0 || folder === dirname(folder)) return false;
  }
}

function lookUp(name: string): SystemUser | undefined {
  const id = (flag: string) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const [uid, gid] = [id('-u'), id('-g')];
  if (uid.status !== 0 || gid.status !== 0) return undefined;
  return { uid: Number(uid.stdout.trim()), gid: Number(gid.stdout.trim()) };
}
