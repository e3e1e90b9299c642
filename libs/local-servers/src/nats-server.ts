import { accessSync, constants } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { delimiter, join } from 'node:path';
import { choosePort } from './choose-port.ts';
import { endOfLog, type ServerProcess, spawnServer, whenReady } from './server-process.ts';

export interface NatsServerOptions {
  /** Everything of this server: `nats.conf`, the store in `jetstream/`, `nats.log` unless `logFile` says otherwise. */
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  /** More users, as the elements of `users` of NATS' configuration. Default none. */
  readonly users?: string | undefined;
  /** Taken when it is free, else another one. */
  readonly port?: number | undefined;
  readonly logFile?: string | undefined;
  /** The server ends with this process, however that ends. Default false. */
  readonly endsWithParent?: boolean | undefined;
  /** So does its folder. For tests. Default false. */
  readonly temporary?: boolean | undefined;
}

/** A running NATS server with JetStream. */
export interface NatsServer {
  /** With user and password. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<number | null>;
  stop(): Promise<void>;
  /** kill -9, as a crash would. */
  kill(): Promise<void>;
}

/** Debian puts servers where a user's PATH often does not look. */
const alsoLookIn = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];
const readyWithinMs = 20_000;

/** Where the `nats-server` program is; undefined when this machine has none. */
export function findNatsServer(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...alsoLookIn];
  return folders.map((folder) => join(folder, 'nats-server')).find(isExecutable);
}

/** Starts NATS with JetStream on 127.0.0.1. The store in the folder survives restarts. */
export async function startNats(options: NatsServerOptions): Promise<NatsServer> {
  const program = findNatsServer();
  if (program === undefined) {
    throw new Error('nats-server is not installed: install it (Debian: apt-get install nats-server) or give NATS_URL.');
  }
  const logFile = options.logFile ?? join(options.folder, 'nats.log');
  const configFile = join(options.folder, 'nats.conf');
  await mkdir(options.folder, { recursive: true });
  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port);
    await writeFile(configFile, configuration(options, port), { mode: 0o600 });
    const server = spawnServer({
      file: program,
      args: ['--config', configFile],
      cwd: options.folder,
      logFile,
      endsWithParent: options.endsWithParent === true || options.temporary === true,
      temporaryFolder: options.temporary === true ? options.folder : undefined,
    });
    try {
      await whenReady(server, { name: 'NATS', logFile, timeoutMs: readyWithinMs }, () => hasJetStream(port));
      if (!server.hasExited()) return running(server, port, options);
      throw new Error(`NATS ended while starting:\n${endOfLog(logFile)}`);
    } catch (error) {
      // Somebody took the port between our look and the server's.
      if (attempt >= 5 || !endOfLog(logFile).includes('address already in use')) throw error;
    }
  }
}

function configuration(options: NatsServerOptions, port: number): string {
  return [
    `listen: "127.0.0.1:${port}"`,
    `jetstream { store_dir: ${JSON.stringify(options.folder)} }`,
    // A client that is stalled is let go after some 15 s instead of 6 minutes, and what it was given goes to others.
    'ping_interval: "5s"',
    'ping_max: 2',
    `authorization { users: [{ user: ${JSON.stringify(options.user)}, password: ${JSON.stringify(options.password)} }, ${options.users ?? ''}] }`,
    '',
  ].join('\n');
}

function running(server: ServerProcess, port: number, options: NatsServerOptions): NatsServer {
  const credentials = `${encodeURIComponent(options.user)}:${encodeURIComponent(options.password)}`;
  return {
    url: `nats://${credentials}@127.0.0.1:${port}`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.end('SIGTERM'),
    kill: () => server.end('SIGKILL'),
  };
}

/** The server greets every connection with what it offers. */
function hasJetStream(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let greeting = '';
    const finish = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(500, () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => finish(false));
    socket.on('data', (chunk) => {
      greeting += chunk.toString('utf8');
      if (greeting.includes('\r\n')) finish(greeting.includes('"jetstream":true'));
    });
  });
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
