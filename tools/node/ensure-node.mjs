// Runs after every install, under whatever Node the machine has. Where that is older than 24, it installs
// Node 24 from npm beside itself and links node_modules/.bin/node to it, so that npm scripts, npx and turbo use it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const binFolder = join(root, 'node_modules', '.bin');
const link = join(binFolder, 'node');

/** The Node to link: this one when it is new enough, else the one that npm has for this platform. */
function nodeBinary() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  const binary = join(here, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (!existsSync(binary)) {
    execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: here, stdio: 'inherit' });
  }
  if (!existsSync(binary)) {
    console.error(
      `Berth needs Node 24 or newer. This is ${process.version}, and npm has no Node 24 for ${process.platform}-${process.arch}: install Node 24 yourself and run this again.`,
    );
    process.exit(1);
  }
  return binary;
}

const target = nodeBinary();
if (target !== link) {
  mkdirSync(binFolder, { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(target, link);
}
