import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface ServerCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The server's output is appended here. */
  readonly logFile: string;
  /** Whom it runs as; absent: the current user. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /**
   * The server ends when this process does, however that ends (kill -9 included), and does not keep this process alive.
   * A server that should outlive its starter's crash leaves it out.
   */
  readonly endsWithParent?: boolean | undefined;
  /** Removed when the server has ended with its parent. */
  readonly temporaryFolder?: string | undefined;
}

/** A server that was started as a child: how to see it end, and how to end it. */
export interface ServerProcess {
  readonly pid: number;
  /** Resolves when it has ended, with the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  hasExited(): boolean;
  /** Sends `signal` and waits; SIGKILL after `graceMs`. */
  end(signal: NodeJS.Signals, graceMs?: number): Promise<void>;
}

/**
 * Leaves a watcher behind that waits for the end of descriptor 3, which is the parent's death, and then becomes the
 * server. The double fork makes the watcher nobody's child, so that no server meets a child it does not know. After
 * the word "done" the server has ended already and its pid must not be signalled any more.
 */
const watchedStart = `
folder=$1; shift
( ( read -r word <&3
    [ "$word" = done ] && exit 0
    kill -INT $$
    for i in 1 2 3 4 5 6 7 8 9 10; do kill -0 $$ || break; sleep 0.2; done
    kill -KILL $$
    cd / && [ -n "$folder" ] && rm -rf "$folder" ) >/dev/null 2>&1 & )
exec "$@" 3<&-
`;

/** Starts a server in a session of its own, so that Ctrl-C in a terminal reaches only the one who started it. */
export function spawnServer(command: ServerCommand): ServerProcess {
  const log = openSync(command.logFile, 'a', 0o600);
  const watched = command.endsWithParent === true;
  const child = spawn(
    ...(watched ? watchedCommand(command.file, command.args, command.temporaryFolder) : plainCommand(command)),
    {
      cwd: command.cwd,
      stdio: ['ignore', log, log, watched ? 'pipe' : 'ignore'],
      detached: true,
      ...(command.user === undefined ? {} : { uid: command.user.uid, gid: command.user.gid }),
    },
  );
  closeSync(log);
  const exited = whenExited(child);
  if (watched) {
    tellWatcher(child, exited);
    child.unref();
  }
  if (child.pid === undefined) throw new Error(`${command.file} cannot be started; see ${command.logFile}.`);
  return serverProcess(child, child.pid, exited);
}

/** What to start so that the program ends with this process. Its descriptor 3 has to be a pipe; see `tellWatcher`. */
export function watchedCommand(file: string, args: readonly string[], temporaryFolder = ''): [string, string[]] {
  return ['/bin/sh', ['-c', watchedStart, 'server', temporaryFolder, file, ...args]];
}

/** Ends the watcher of a watched command once the program has ended, and does not wait for it. */
export function tellWatcher(child: ChildProcess, exited: Promise<unknown>): void {
  const watcher = child.stdio[3];
  if (!(watcher instanceof Socket)) throw new Error('No pipe to the watcher.');
  watcher.on('error', () => {}); // it is gone when both died together
  void exited.then(() => watcher.end('done\n'));
  watcher.unref();
}

function plainCommand({ file, args }: ServerCommand): [string, readonly string[]] {
  return [file, args];
}

function serverProcess(child: ChildProcess, pid: number, exited: Promise<number | null>): ServerProcess {
  const hasExited = () => child.exitCode !== null || child.signalCode !== null;
  return {
    pid,
    exited,
    hasExited,
    async end(signal, graceMs = 15_000) {
      if (hasExited()) return;
      child.ref(); // somebody waits now
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function whenExited(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', () => resolve(null)); // could not be started at all
  });
}

/** Waits until `isReady` says so; fails with the end of the log when the server ends first or `timeoutMs` passes. */
export async function whenReady(
  server: ServerProcess,
  what: { readonly name: string; readonly logFile: string; readonly timeoutMs: number },
  isReady: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + what.timeoutMs;
  while (!(await isReady())) {
    if (server.hasExited()) throw new Error(`${what.name} ended while starting:\n${endOfLog(what.logFile)}`);
    if (performance.now() > deadline) {
      await server.end('SIGKILL');
      throw new Error(`${what.name} was not ready after ${what.timeoutMs} ms:\n${endOfLog(what.logFile)}`);
    }
    await delay(20);
  }
}

/** The last lines a server wrote, for an error message. */
export function endOfLog(logFile: string): string {
  try {
    return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  } catch {
    return '(no log)';
  }
}
