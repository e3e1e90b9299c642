import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isProcessAlive, type ProcessIdentity, processIdentity } from '@berth/local-servers';
import { readWhole } from './state-folder.ts';

/** Another process runs a system with this state. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
  readonly pid: number;
  readonly stateFolder: string;
  constructor(pid: number, stateFolder: string) {
    super(`Berth is running already with the state in ${stateFolder} (process ${pid}).`);
    this.pid = pid;
    this.stateFolder = stateFolder;
  }
}

/**
 * Takes the state for this process; throws AlreadyRunningError when another living process has it. The lock of a dead
 * process counts for nothing, also when its pid has gone to another program. Answers the function that releases it.
 */
export function takeLock(lockFile: string): () => void {
  const me = processIdentity(process.pid);
  if (me === undefined) throw new Error('This process cannot be told from others: /proc or ps is missing.');
  const mine = `${lockFile}.${process.pid}`;
  writeFileSync(mine, JSON.stringify(me), { mode: 0o600 });
  try {
    while (!linked(mine, lockFile)) {
      const holder = lockHolder(lockFile);
      if (holder !== undefined) throw new AlreadyRunningError(holder.pid, dirname(lockFile));
      removeStale(lockFile);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (lockHolder(lockFile)?.pid === process.pid) rmSync(lockFile, { force: true });
  };
}

/** The living process that has the state; undefined when there is none. */
export function lockHolder(lockFile: string): ProcessIdentity | undefined {
  const holder = readWhole<ProcessIdentity | undefined>(lockFile, undefined);
  return holder !== undefined && isProcessAlive(holder) ? holder : undefined;
}

/** A link appears with its content or not at all, and never replaces another's. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Moved away first and looked at again: between our look and now, another process may have taken the lock. */
function removeStale(lockFile: string): void {
  const aside = `${lockFile}.stale-${process.pid}`;
  try {
    renameSync(lockFile, aside);
  } catch {
    return; // another process was quicker
  }
  if (lockHolder(aside) !== undefined) linked(aside, lockFile);
  rmSync(aside, { force: true });
}
