// The step before every command, so that each works on a clean clone: installs what is missing and nothing else.
// Plain JavaScript for Node 20 and newer, because TypeScript needs the Node 24 that this may have to install.
//   node tools/install.mjs             the packages of package-lock.json, and Node 24
//   node tools/install.mjs --servers   also nats-server
// Everything it says goes to standard error: standard output belongs to the command that follows.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { holdInstallLock } from './install/install-lock.mjs';
import { natsServerPlan } from './install/nats-server-plan.mjs';
import { readLock, whyPackagesAreStale } from './install/stale-packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** @param {string} text */
const say = (text) => process.stderr.write(`${text}\n`);

/**
 * Runs a program with its output on standard error; ends this step with its exit code when it fails.
 * @param {string} file
 * @param {string[]} args
 * @param {NodeJS.ProcessEnv} env
 */
function run(file, args, env = process.env) {
  const { status, error } = spawnSync(file, args, { cwd: root, stdio: ['ignore', 2, 2], env });
  if (error !== undefined) say(`${file}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function whyStale() {
  const lock = readLock(join(root, 'package-lock.json'));
  if (lock === undefined) throw new Error('package-lock.json is missing.');
  return whyPackagesAreStale(lock, readLock(join(root, 'node_modules/.package-lock.json')));
}

function installPackages() {
  if (whyStale() === undefined) return;
  const release = holdInstallLock(join(root, '.cache'), say);
  try {
    const reason = whyStale(); // another command may have installed while we waited
    if (reason === undefined) return;
    say(`Installing packages: ${reason}.`);
    run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  } finally {
    release();
  }
}

/** The root's postinstall links it; `npm ci --ignore-scripts` leaves it out. */
function linkNode() {
  const node = join(root, 'node_modules/.bin/node');
  const major = existsSync(node) ? majorOf(node) : 0;
  if (major < 24) run(process.execPath, [join(root, 'tools/node/ensure-node.mjs')]);
}

/** @param {string} node */
function majorOf(node) {
  return Number(execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }));
}

function installNatsServer() {
  const plan = natsServerPlan();
  if (plan.kind === 'present') return;
  if (plan.kind === 'impossible') {
    say(plan.words);
    process.exit(1);
  }
  say('Installing nats-server with apt-get.');
  // Debian may start a service of its own with it. Berth never uses that one: it always starts its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const [file, ...args] of plan.commands) run(file, args, env);
}

installPackages();
linkNode();
if (process.argv.includes('--servers')) installNatsServer();
