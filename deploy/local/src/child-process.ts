import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { tellWatcher, watchedCommand } from '@berth/local-servers';
import type { Running } from './supervise.ts';

export interface NodeProgram {
  readonly entry: string;
  readonly args: readonly string[];
  /** Flags for Node itself. */
  readonly nodeArgs?: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
  /** `ipc`: a channel for messages. `pipe`: standard output can be read, only errors go to the log. */
  readonly talksBy: 'ipc' | 'pipe';
  /** The program ends with this process. (One with `ipc` sees that for itself.) */
  readonly endsWithParent?: boolean | undefined;
}

/** How long a process may take to stop before it is killed. */
const graceMs = 15_000;

/** Starts a Node program in a session of its own, so that Ctrl-C in a terminal reaches only `up`, which stops in order. */
export function spawnNode(program: NodeProgram): { child: ChildProcess; running: Running } {
  const log = openSync(program.logFile, 'a', 0o600);
  const watched = program.endsWithParent === true;
  const args = [...(program.nodeArgs ?? []), program.entry, ...program.args];
  const child = spawn(...(watched ? watchedCommand(process.execPath, args) : plain(args)), {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio:
      program.talksBy === 'ipc' ? ['ignore', log, log, 'ipc'] : ['ignore', 'pipe', log, watched ? 'pipe' : 'ignore'],
  });
  closeSync(log);
  child.on('error', () => {}); // seen as an exit, or as a missing pid below
  const { pid } = child;
  if (pid === undefined) throw new Error(`${program.entry} cannot be started.`);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : `signal ${signal}`));
  });
  if (watched) tellWatcher(child, exited);
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
    await exited;
    clearTimeout(timer);
  };
  return { child, running: { pid, exited, stop } };
}

/**
 * Waits for `ready`, which the caller resolves when the process says so. When the process ends first, or `timeoutMs`
 * passes, fails with the end of what it logged since, and the process has ended; the same when `signal` says that all is stopped. Call it
 * in the moment of the start.
 */
export async function whenItIsReady<T>(
  ready: Promise<T>,
  running: Running,
  what: { readonly name: string; readonly logFile: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<T> {
  const earlierBytes = statSync(what.logFile).size; // of runs before, which may have failed for another reason
  const { promise: late, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new Error('was stopped while starting'));
  what.signal.addEventListener('abort', onAbort);
  if (what.signal.aborted) onAbort();
  const timer = setTimeout(() => reject(new Error(`was not ready after ${what.timeoutMs} ms`)), what.timeoutMs);
  const ended = running.exited.then((reason) => {
    throw new Error(`ended while starting (${reason})`);
  });
  try {
    return await Promise.race([ready, ended, late]);
  } catch (error) {
    await running.stop();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${what.name} ${reason}. The end of ${what.logFile}:\n${endOfFile(what.logFile, earlierBytes)}`);
  } finally {
    clearTimeout(timer);
    what.signal.removeEventListener('abort', onAbort);
    ended.catch(() => {}); // it will end one day
    late.catch(() => {});
  }
}

function plain(args: readonly string[]): [string, readonly string[]] {
  return [process.execPath, args];
}

function endOfFile(file: string, from: number): string {
  return readFileSync(file).subarray(from).toString().trimEnd().split('\n').slice(-12).join('\n');
}
