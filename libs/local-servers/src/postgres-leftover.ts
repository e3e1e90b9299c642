import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { endProcess, processIdentity } from './process-identity.ts';

/**
 * Ends the Postgres that a killed run left in this data folder, found by its own pid file, and removes a pid file that
 * names nobody's Postgres. Answers the pid it ended, or undefined when there was none.
 */
export async function endLeftoverPostgres(dataFolder: string): Promise<number | undefined> {
  const pidFile = join(dataFolder, 'postmaster.pid');
  const pid = pidIn(pidFile);
  if (pid === undefined) return undefined;
  const leftover = processIdentity(pid);
  if (leftover === undefined || !worksIn(pid, dataFolder)) {
    rmSync(pidFile, { force: true }); // the pid went to another program, which Postgres would take for itself
    return undefined;
  }
  await endProcess(leftover, 'SIGINT', 10_000); // "fast": ends the sessions, then writes a checkpoint
  return pid;
}

function pidIn(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** A Postgres server always works in its data folder. Where the system does not tell, the pid file is believed. */
function worksIn(pid: number, dataFolder: string): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(dataFolder);
  } catch {
    return false;
  }
}
