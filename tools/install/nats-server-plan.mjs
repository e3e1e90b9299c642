import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Debian puts servers where a user's PATH often does not look. */
const alsoLookIn = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin'];

/**
 * @typedef {{ env: NodeJS.ProcessEnv, isRoot: boolean, has: (program: string) => boolean, sudoWithoutPassword: () => boolean }} Machine
 * @typedef {{ kind: 'present' } | { kind: 'install', commands: [string, ...string[]][] } | { kind: 'impossible', words: string }} Plan
 */

/**
 * What this machine offers; the only part that asks it.
 * @returns {Machine}
 */
function thisMachine() {
  return {
    env: process.env,
    isRoot: process.getuid?.() === 0,
    has: (program) => hasProgram(program, process.env['PATH'] ?? ''),
    sudoWithoutPassword: () => spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0,
  };
}

/**
 * How to come by a NATS server: `present` (or one is given by URL), `install` with the commands to run, or `impossible`
 * with words for the person at the keyboard.
 * @returns {Plan}
 */
export function natsServerPlan(machine = thisMachine()) {
  const { env } = machine;
  if (env['NATS_URL'] || env['BERTH_TEST_NATS_URL'] || machine.has('nats-server')) return { kind: 'present' };
  if (!machine.has('apt-get')) return impossible('and this machine has no apt-get to install it with');
  if (machine.isRoot) return install([]);
  if (machine.has('sudo') && machine.sudoWithoutPassword()) return install(['sudo', '-n']);
  return impossible('and installing it needs root: run "sudo apt-get install nats-server" once');
}

/**
 * @param {string[]} asRoot
 * @returns {Plan}
 */
function install(asRoot) {
  const [file, ...args] = [...asRoot, 'apt-get'];
  return {
    kind: 'install',
    commands: [
      [file ?? 'apt-get', ...args, 'update', '-q'],
      [file ?? 'apt-get', ...args, 'install', '-q', '-y', '--no-install-recommends', 'nats-server'],
    ],
  };
}

/**
 * @param {string} why
 * @returns {Plan}
 */
function impossible(why) {
  return {
    kind: 'impossible',
    words:
      `Berth needs the program nats-server (2.9 or newer), which is not on this machine, ${why}.\n` +
      'It is in Debian and Ubuntu (apt-get install nats-server), in Homebrew (brew install nats-server), and at https://nats.io/download.\n' +
      'Or give NATS_URL, the address of a NATS server with JetStream.',
  };
}

/**
 * @param {string} program
 * @param {string} path
 */
function hasProgram(program, path) {
  return [...path.split(delimiter), ...alsoLookIn].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return folder !== '';
    } catch {
      return false;
    }
  });
}
