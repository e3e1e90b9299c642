import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { choosePort } from './choose-port.ts';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.ts';
import { postgresUser, postgresUserReaches, type SystemUser } from './postgres-user.ts';
import { endOfLog, type ServerProcess, spawnServer, whenReady } from './server-process.ts';

export interface PostgresServerOptions {
  /** Everything of this server: `data/`, and `postgres.log` unless `logFile` says otherwise. Made when absent. */
  readonly folder: string;
  /** Of the superuser `postgres`; must be the same at every start in the same folder. */
  readonly password: string;
  /** Taken when it is free, else another one. */
  readonly port?: number | undefined;
  readonly logFile?: string | undefined;
  /** False: quicker, and a power cut may destroy the data. Only for tests. Default true. */
  readonly durable?: boolean | undefined;
  readonly maxConnections?: number | undefined;
  /** The server ends with this process, however that ends. Default false. */
  readonly endsWithParent?: boolean | undefined;
  /** So does its folder. For tests. Default false. */
  readonly temporary?: boolean | undefined;
}

/** A running Postgres. */
export interface PostgresServer {
  /** The superuser's URL of the database `postgres`. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly exited: Promise<number | null>;
  /** Ends sessions and stops cleanly. */
  stop(): Promise<void>;
  /** kill -9, as a crash would. */
  kill(): Promise<void>;
}

const readyWithinMs = 60_000;
const notDurable = ['-c', 'fsync=off', '-c', 'synchronous_commit=off', '-c', 'full_page_writes=off'];

/** Starts Postgres on 127.0.0.1; makes the database cluster at the first start in this folder. */
export async function startPostgres(options: PostgresServerOptions): Promise<PostgresServer> {
  const binaries = await postgresBinaries();
  const user = postgresUser();
  const data = join(options.folder, 'data');
  const logFile = options.logFile ?? join(options.folder, 'postgres.log');
  await mkdir(options.folder, { recursive: true });
  if (!postgresUserReaches(options.folder)) {
    throw new Error(`The user that Postgres runs as cannot reach ${options.folder}: choose a folder open to others.`);
  }
  if (options.temporary === true && user !== undefined) await chown(options.folder, user.uid, user.gid); // who removes it
  if (!existsSync(join(data, 'PG_VERSION'))) await makeCluster(binaries, data, user, options);

  for (let attempt = 1; ; attempt++) {
    const port = await choosePort(options.port);
    const server = spawnServer({
      file: binaries.postgres,
      args: ['-D', data, '-p', String(port), ...settings(options)],
      cwd: data,
      logFile,
      user,
      endsWithParent: options.endsWithParent === true || options.temporary === true,
      temporaryFolder: options.temporary === true ? options.folder : undefined,
    });
    try {
      await whenReady(server, { name: 'Postgres', logFile, timeoutMs: readyWithinMs }, () => isReady(data, server.pid));
      return running(server, port, options.password);
    } catch (error) {
      // Somebody took the port between our look and the server's.
      if (attempt >= 5 || !endOfLog(logFile).includes('Address already in use')) throw error;
    }
  }
}

function settings(options: PostgresServerOptions): string[] {
  return [
    ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    ...['-c', `max_connections=${options.maxConnections ?? 200}`],
    ...(options.durable === false ? notDurable : []),
  ];
}

function running(server: ServerProcess, port: number, password: string): PostgresServer {
  return {
    url: `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
    port,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.end('SIGINT'),
    kill: () => server.end('SIGKILL'),
  };
}

/** The last line of the pid file turns to "ready" when sessions are accepted. */
async function isReady(data: string, pid: number): Promise<boolean> {
  try {
    const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch {
    return false;
  }
}

async function makeCluster(
  binaries: PostgresBinaries,
  data: string,
  user: SystemUser | undefined,
  options: PostgresServerOptions,
): Promise<void> {
  const passwordFile = join(options.folder, '.initdb-password');
  await rm(data, { recursive: true, force: true }); // without PG_VERSION it is what a killed initdb left
  await mkdir(data, { mode: 0o700 });
  await writeFile(passwordFile, `${options.password}\n`, { mode: 0o600 });
  if (user !== undefined) {
    await chown(data, user.uid, user.gid);
    await chown(passwordFile, user.uid, user.gid);
  }
  try {
    await promisify(execFile)(
      binaries.initdb,
      [
        ...[`--pgdata=${data}`, '--username=postgres', `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
        // The builtin provider sorts the same on every machine, whatever locales it has.
        ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
        // Passwords are random and hashed once for each connection, of which a run of the tests makes thousands.
        ...(options.durable === false ? ['--no-sync', '--set=scram_iterations=1'] : []),
      ],
      { cwd: data, ...user },
    );
  } catch (cause) {
    throw new Error(`The Postgres data folder ${data} could not be made.`, { cause });
  } finally {
    await rm(passwordFile, { force: true });
  }
}
